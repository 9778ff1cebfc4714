import type { Counts } from "../macroF1.ts"
import type { Outcomes } from "./outcomes.ts"

/** What may raise false alarms: recordings that hold none of the classes watched for, or all that are of other classes. */
export interface Background {
  /** The class, or none where all other classes' recordings count. */
  readonly className: string | undefined
  /** Hours of sound of each recording. */
  readonly hours: ArrayLike<number>
}

/** A class's recordings and its background, the surest first, in one repeat. */
interface Ranking {
  /** Rows, by falling probability of the class. */
  readonly order: Uint32Array
  readonly scores: Float32Array
}

/** Rankings of a class in every repeat, to be counted as often as resampling asks. */
export interface Alarms {
  readonly label: number
  readonly isBackground: Uint8Array
  readonly labels: Int32Array
  readonly hours: ArrayLike<number>
  readonly rankings: ReadonlyArray<Ranking>
}

/** Ranks the tested recordings of a class and of the background; undefined for the background class itself. */
export const alarmsOf = (
  { classes, labels, repeats }: Outcomes,
  label: number,
  { className, hours }: Background
): Alarms | undefined => {
  const quiet = className === undefined ? -1 : classes.indexOf(className)
  if (label === quiet) return undefined
  const isBackground = Uint8Array.from(labels, (own) => (quiet < 0 ? Number(own !== label) : Number(own === quiet)))
  const rankings = repeats.map(({ probabilities, predicted }): Ranking => {
    const scores = Float32Array.from(labels, (_, row) => probabilities[row * classes.length + label]!)
    const order = Uint32Array.from(
      [...labels.keys()].filter((row) => predicted[row]! >= 0 && (labels[row] === label || isBackground[row] === 1))
    )
    return { order: order.sort((a, b) => scores[b]! - scores[a]!), scores }
  })
  return { label, isBackground, labels, hours, rankings }
}

/**
 * The share of a class's recordings that are found by a threshold on its probability which lets pass at most so many
 * background recordings for each hour of background, averaged over repeats; for each of `rates`, the lowest first. NaN
 * without recordings of either.
 */
export const recallsAt = (
  { label, isBackground, labels, hours, rankings }: Alarms,
  rates: ReadonlyArray<number>,
  counts: Counts
): ReadonlyArray<number> => {
  const sums = rates.map(() => 0)
  for (const { order, scores } of rankings) {
    let [positives, quietHours] = [0, 0]
    for (const row of order) {
      if (labels[row] === label) positives += counts[row]!
      if (isBackground[row] === 1) quietHours += counts[row]! * hours[row]!
    }
    const share = (found: number) => (quietHours === 0 ? Number.NaN : found / positives)
    let [found, alarms, best, rate] = [0, 0, 0, 0]
    for (let at = 0; at < order.length && rate < rates.length; at++) {
      const row = order[at]!
      if (isBackground[row] === 1) alarms += counts[row]!
      while (rate < rates.length && alarms > rates[rate]! * quietHours + 1e-9) sums[rate++]! += share(best)
      if (labels[row] === label) found += counts[row]!
      // Equal probabilities are above a threshold together or not at all.
      if (scores[order[at + 1]!] !== scores[row]) best = found
    }
    while (rate < rates.length) sums[rate++]! += share(best)
  }
  return sums.map((sum) => sum / rankings.length)
}

/** Points of the curve of recall over false alarms an hour, one for each recording ranked, of all repeats together. */
export const alarmCurve = ({ label, isBackground, labels, hours, rankings }: Alarms) => {
  const ranked = rankings
    .flatMap(({ order, scores }) => [...order].map((row) => ({ row, score: scores[row]! })))
    .sort((a, b) => b.score - a.score)
  const total = ranked.reduce((sum, { row }) => sum + (isBackground[row] === 1 ? hours[row]! : 0), 0)
  const positives = ranked.filter(({ row }) => labels[row] === label).length
  if (positives === 0 || total === 0) return []
  let [found, alarms] = [0, 0]
  return ranked.flatMap(({ row, score }, at) => {
    if (labels[row] === label) found++
    if (isBackground[row] === 1) alarms++
    return ranked[at + 1]?.score === score ? [] : [{ perHour: alarms / total, recall: found / positives }]
  })
}
