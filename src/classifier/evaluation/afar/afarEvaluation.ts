import type { Dataset } from "../../dataset.ts"
import { type Figure, type Measure, measureOn } from "../figures.ts"
import { meanMacroF1, type Outcomes, outcomesOf, recalls } from "../outcomes.ts"

/** What heads make of recordings that they were not trained on, heard as if from afar. */
export interface AfarEvaluation {
  readonly recordings: number
  readonly sources: number
  readonly heads: ReadonlyArray<HeadAfar>
  /** What could not be heard, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/** How a head fares, heard in each way. */
export interface HeadAfar {
  readonly head: string
  /** First as the recordings are. */
  readonly heard: ReadonlyArray<WayFigures>
}

/** How a head fares where recordings are heard in one way. */
export interface WayFigures {
  readonly way: string
  readonly recordings: number
  readonly macroF1: Figure | null
  /** The share of recordings that get the answer that they get as they are. */
  readonly kept: Figure | null
  readonly recalls: ReadonlyArray<{ readonly className: string; readonly recall: Figure | null }>
  /** Where parts were left out: each one's, null where nothing of it could be heard so. */
  readonly parts: ReadonlyArray<{ readonly part: string; readonly macroF1: number | null }>
}

/** What the recordings are called that are heard as they are. */
export const AS_IT_IS = "as it is"

/** Rows that were tested, and what each head made of them. */
export interface HeardAfar {
  /** Rows of the data set. */
  readonly rows: ReadonlyArray<number>
  /** The part that each was left out with; absent for folds. */
  readonly parts: ReadonlyArray<string | undefined>
  /** Names of the ways, first `AS_IT_IS`. */
  readonly ways: ReadonlyArray<string>
  readonly heads: ReadonlyArray<{
    readonly head: string
    /** For each way [rows * classes]; NaN where a row could not be heard so. */
    readonly probabilities: ReadonlyArray<Float32Array>
  }>
}

const RESAMPLES = 500

/** The figures of what was heard. */
export const afarFigures = (
  { classes, samples, labels }: Pick<Dataset, "classes" | "samples" | "labels">,
  { rows, parts, ways, heads }: HeardAfar
): Omit<AfarEvaluation, "notes"> => {
  const groups = rows.map((row) => samples[row]!.group)
  const measure = measureOn(groups, RESAMPLES)
  return {
    recordings: rows.length,
    sources: new Set(groups).size,
    heads: heads.map(({ head, probabilities }) => {
      const outcomes = probabilities.map((own) => outcomesOf(classes, labels, { rows, probabilities: [own] }))
      return {
        head,
        heard: outcomes.map((own, at) => wayFigures(ways[at]!, own, outcomes[0]!, parts, measure))
      }
    })
  }
}

const wayFigures = (
  way: string,
  outcomes: Outcomes,
  asTheyAre: Outcomes,
  parts: HeardAfar["parts"],
  measure: Measure
): WayFigures => {
  const { classes, repeats } = outcomes
  const answers = repeats[0]!.predicted
  const before = asTheyAre.repeats[0]!.predicted
  const isHeard = answers.map((answer) => Number(answer >= 0))
  const isKept = answers.map((answer, at) => Number(answer >= 0 && answer === before[at]))
  const [macroF1, kept] = measure((counts) => {
    const times = (flags: Int32Array) => flags.reduce((sum, flag, at) => sum + flag * counts[at]!, 0)
    return [meanMacroF1(outcomes, counts), times(isKept) / times(isHeard)]
  })
  const recall = measure((counts) => recalls(outcomes, counts))
  return {
    way,
    recordings: isHeard.reduce((sum, flag) => sum + flag, 0),
    macroF1: macroF1!,
    kept: kept!,
    recalls: classes.map((className, label) => ({ className, recall: recall[label]! })),
    parts: [...new Set(parts)].flatMap((part) => {
      if (part === undefined) return []
      const value = meanMacroF1(
        outcomes,
        parts.map((own) => Number(own === part))
      )
      return [{ part, macroF1: Number.isNaN(value) ? null : value }]
    })
  }
}
