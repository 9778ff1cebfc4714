import { likeliest } from "../likeliest.ts"
import { type Counts, countByClass, macroF1 } from "../macroF1.ts"
import type { OutOfFold } from "./outOfFold.ts"

/** Recordings and what was made of them, ready to be scored as often as resampling asks. */
export interface Outcomes {
  readonly classes: ReadonlyArray<string>
  /** One for each recording. */
  readonly labels: Int32Array
  readonly repeats: ReadonlyArray<Repeat>
}

interface Repeat {
  /** [recordings * classes]; NaN in the rows that were not tested. */
  readonly probabilities: Float32Array
  /** The class that each recording was taken for, -1 where it was not tested. */
  readonly predicted: Int32Array
  /** That class's probability. */
  readonly confidence: Float32Array
}

/** Prepares cross-validated probabilities for scoring; `labels` are those of the data set's rows. */
export const outcomesOf = (
  classes: ReadonlyArray<string>,
  labels: Int32Array,
  { rows, probabilities }: Pick<OutOfFold, "rows" | "probabilities">
): Outcomes => ({
  classes,
  labels: Int32Array.from(rows, (row) => labels[row]!),
  repeats: probabilities.map((values) => {
    const predicted = new Int32Array(rows.length).fill(-1)
    const confidence = new Float32Array(rows.length).fill(Number.NaN)
    for (let row = 0; row < rows.length; row++) {
      const at = row * classes.length
      if (Number.isNaN(values[at]!)) continue
      const { label, probability } = likeliest(values.subarray(at, at + classes.length))
      predicted[row] = label
      confidence[row] = probability
    }
    return { probabilities: values, predicted, confidence }
  })
})

const overRepeats = ({ repeats }: Outcomes, scoreOf: (repeat: Repeat) => number): number =>
  repeats.reduce((sum, repeat) => sum + scoreOf(repeat), 0) / repeats.length

const countsOf = ({ classes, labels }: Outcomes, predicted: Int32Array, counts: Counts) =>
  countByClass(classes.length, labels, predicted, counts)

/** The mean F1 of the classes that have tested recordings, averaged over repeats; NaN if none has. */
export const meanMacroF1 = (outcomes: Outcomes, counts: Counts): number =>
  overRepeats(outcomes, ({ predicted }) => macroF1(countsOf(outcomes, predicted, counts)))

/** The share of tested recordings that were recognised, averaged over repeats. */
export const accuracy = (outcomes: Outcomes, counts: Counts): number =>
  overRepeats(outcomes, ({ predicted }) => {
    const { support, hits } = countsOf(outcomes, predicted, counts)
    return hits.reduce((a, b) => a + b, 0) / support.reduce((a, b) => a + b, 0)
  })

/** The share of each class's tested recordings that were recognised, averaged over repeats; NaN where none was tested. */
export const recalls = (outcomes: Outcomes, counts: Counts): ReadonlyArray<number> => {
  const counted = outcomes.repeats.map(({ predicted }) => countsOf(outcomes, predicted, counts))
  return outcomes.classes.map(
    (_, label) => counted.reduce((sum, { hits, support }) => sum + hits[label]! / support[label]!, 0) / counted.length
  )
}

/** The mean cross-entropy of tested recordings, averaged over repeats. */
export const logLoss = (outcomes: Outcomes, counts: Counts): number =>
  overRepeats(outcomes, ({ predicted, probabilities }) => {
    let [sum, total] = [0, 0]
    for (let row = 0; row < predicted.length; row++) {
      if (predicted[row]! < 0) continue
      // Keras clips at 1e-7 as well; a probability of float32 may be 0.
      const own = Math.max(probabilities[row * outcomes.classes.length + outcomes.labels[row]!]!, 1e-7)
      sum -= counts[row]! * Math.log(own)
      total += counts[row]!
    }
    return sum / total
  })

/** Bins of confidence, for the calibration error and its picture. */
export const BINS = 15

/** Recordings by confidence: how many, their mean confidence and how many of them were recognised. */
export interface Reliability {
  readonly recordings: Float64Array
  readonly confidence: Float64Array
  readonly hits: Float64Array
}

/** Sums over the recordings of all repeats, in `BINS` equal bins of confidence. */
export const reliability = ({ labels, repeats }: Pick<Outcomes, "labels" | "repeats">, counts: Counts): Reliability => {
  const [recordings, confidence, hits] = [0, 1, 2].map(() => new Float64Array(BINS)) as [
    Float64Array,
    Float64Array,
    Float64Array
  ]
  for (const repeat of repeats) {
    for (let row = 0; row < labels.length; row++) {
      if (repeat.predicted[row]! < 0) continue
      const own = repeat.confidence[row]!
      const bin = Math.min(BINS - 1, Math.floor(own * BINS))
      recordings[bin]! += counts[row]!
      confidence[bin]! += counts[row]! * own
      if (repeat.predicted[row] === labels[row]) hits[bin]! += counts[row]!
    }
  }
  return { recordings, confidence, hits }
}

/**
 * The expected calibration error: by how much confidence and the share of hits differ, averaged over the bins by their
 * recordings, then over repeats (Guo et al. 2017).
 */
export const calibrationError = (outcomes: Outcomes, counts: Counts): number =>
  overRepeats(outcomes, (repeat) => {
    const { recordings, confidence, hits } = reliability({ labels: outcomes.labels, repeats: [repeat] }, counts)
    let [apart, total] = [0, 0]
    for (let bin = 0; bin < BINS; bin++) {
      apart += Math.abs(confidence[bin]! - hits[bin]!)
      total += recordings[bin]!
    }
    return apart / total
  })
