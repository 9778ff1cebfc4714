import type { Dataset } from "../dataset.ts"
import { type Figure, measureOn } from "./figures.ts"
import { logLoss, meanMacroF1, outcomesOf } from "./outcomes.ts"
import type { Cut, OutOfFold } from "./outOfFold.ts"

/** How a head fares on a part that was left out. */
export interface PartFigures {
  readonly head: string
  readonly part: string
  readonly recordings: number
  readonly sources: number
  readonly macroF1: Figure
  readonly logLoss: Figure
}

const RESAMPLES = 500

/** Each head's figures on each part; of the first repeat's rows, over all repeats. */
export const partFigures = (
  { classes, samples, labels }: Dataset,
  cuts: ReadonlyArray<Cut>,
  tested: ReadonlyArray<{ readonly head: string; readonly result: OutOfFold }>
): ReadonlyArray<PartFigures> =>
  cuts
    .filter(({ repeat, part, tested: rows }) => repeat === 0 && part !== undefined && rows.length > 0)
    .flatMap(({ part, tested: rows }) =>
      tested.map(({ head, result }): PartFigures => {
        const own = new Set(rows)
        const places = [...result.rows.keys()].filter((at) => own.has(result.rows[at]!))
        const outcomes = outcomesOf(classes, labels, {
          rows: places.map((at) => result.rows[at]!),
          probabilities: result.probabilities.map((values) =>
            Float32Array.from(
              places.flatMap((at) => [...values.subarray(at * classes.length, (at + 1) * classes.length)])
            )
          )
        })
        const groups = places.map((at) => samples[result.rows[at]!]!.group)
        const [macroF1, loss] = measureOn(
          groups,
          RESAMPLES
        )((counts) => [meanMacroF1, logLoss].map((of) => of(outcomes, counts)))
        const sources = new Set(groups).size
        return { head, part: part!, recordings: places.length, sources, macroF1: macroF1!, logLoss: loss! }
      })
    )
