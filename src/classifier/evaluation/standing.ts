import { drawGroups } from "../bootstrap.ts"
import { fitTemperature } from "../calibrate.ts"
import type { Dataset } from "../dataset.ts"
import type { Cut } from "./outOfFold.ts"

/** Another head has to be better in this share of resamples of the sources; else the first stays. */
export const SURE = 0.9
const RESAMPLES = 400

/** What is known of a head's recordings so far: each one's loss, averaged over the cuts that tested it. */
export interface Standing {
  readonly loss: number
  /** By row of the data set. */
  readonly losses: ReadonlyMap<number, number>
}

/** How a head stands by the probabilities that it gave in these cuts, at the temperature that fits them best. */
export const standingOf = (
  dataset: Dataset,
  cuts: ReadonlyArray<Cut>,
  given: ReadonlyArray<Float32Array>
): Standing => {
  const classes = dataset.classes.length
  const rows = cuts.flatMap(({ tested }) => tested)
  const probabilities = new Float32Array(rows.length * classes)
  let at = 0
  for (const own of given) {
    probabilities.set(own, at)
    at += own.length
  }
  const labels = rows.map((row) => dataset.labels[row]!)
  const temperature = fitTemperature({ probabilities, labels })
  const sums = new Map<number, { loss: number; count: number }>()
  for (const [place, row] of rows.entries()) {
    const own = probabilities.subarray(place * classes, (place + 1) * classes)
    const powers = [...own].map((value) => Math.max(value, 1e-12) ** (1 / temperature))
    const total = powers.reduce((sum, power) => sum + power, 0)
    const loss = -Math.log(powers[labels[place]!]! / total)
    const sum = sums.get(row) ?? { loss: 0, count: 0 }
    sums.set(row, { loss: sum.loss + loss, count: sum.count + 1 })
  }
  const losses = new Map([...sums].map(([row, { loss, count }]) => [row, loss / count]))
  return { loss: [...losses.values()].reduce((sum, loss) => sum + loss, 0) / losses.size, losses }
}

/** Given up if it is worse in as many resamples as another has to be better in. */
export const isWorse = (dataset: Dataset, one: Standing, other: Standing): boolean =>
  one.loss > other.loss && shareBetter(dataset, one, other) < 1 - SURE

/** The share of resamples of the sources in which one head's loss is lower than another's. */
export const shareBetter = ({ samples }: Dataset, one: Standing, other: Standing): number => {
  const rows = [...one.losses.keys()].filter((row) => other.losses.has(row))
  const differences = rows.map((row) => one.losses.get(row)! - other.losses.get(row)!)
  let better = 0
  for (const counts of drawGroups(
    rows.map((row) => samples[row]!.group),
    RESAMPLES
  )) {
    if (differences.reduce((sum, difference, at) => sum + counts[at]! * difference, 0) < 0) better++
  }
  return better / RESAMPLES
}
