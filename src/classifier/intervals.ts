import { type ConfidenceInterval, drawGroups, percentileInterval } from "./bootstrap.ts"
import { countByClass, macroF1 } from "./macroF1.ts"

/** How sure the figures of a holdout are. */
export interface HoldoutIntervals {
  /** Sources that the recordings were cut from. */
  readonly sources: number
  readonly accuracy: ConfidenceInterval
  readonly macroF1: ConfidenceInterval
}

const RESAMPLES = 1000

/**
 * The percentile bootstrap's 95 % intervals of accuracy and macro-F1, over sources as everywhere in this program: see
 * `drawGroups`.
 *
 * @param labels Each recording's true class.
 * @param predicted Each recording's predicted class.
 * @param groups The source of each recording.
 */
export const holdoutIntervals = (
  classes: number,
  labels: ReadonlyArray<number>,
  predicted: ReadonlyArray<number>,
  groups: ReadonlyArray<string>
): HoldoutIntervals => {
  const draws = Array.from(drawGroups(groups, RESAMPLES), (counts) => countByClass(classes, labels, predicted, counts))
  const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0)
  return {
    sources: new Set(groups).size,
    accuracy: percentileInterval(draws.map(({ hits, support }) => sum(hits) / sum(support))),
    macroF1: percentileInterval(draws.map(macroF1))
  }
}
