import { type Classifier, predict } from "./classifier.ts"
import { type Dataset, vectorsOf } from "./dataset.ts"
import { type HoldoutIntervals, holdoutIntervals } from "./intervals.ts"
import { likeliest } from "./likeliest.ts"
import { type ClassCounts, countsIn, f1Of, macroF1 } from "./macroF1.ts"

/** How a class fared. Shares of nothing are 0, as in scikit-learn. */
export interface ClassScore {
  readonly className: string
  /** The number of recordings scored. */
  readonly support: number
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** One recording's outcome. */
export interface Outcome {
  readonly key: string
  readonly className: string
  readonly predicted: string
  /** The probability given to the class predicted. */
  readonly confidence: number
}

/** How a classifier fares on recordings that it has not been trained on. */
export interface HoldoutResult {
  readonly recordings: number
  /** What they were given, [recordings * classes]. */
  readonly probabilities: Float32Array
  readonly accuracy: number
  /** Mean cross-entropy. */
  readonly loss: number
  /** The mean F1 of the classes that have recordings here; the others say nothing. */
  readonly macroF1: number
  readonly intervals: HoldoutIntervals
  readonly perClass: ReadonlyArray<ClassScore>
  /** Counts: a row for each true class, a column for each predicted one. */
  readonly confusion: ReadonlyArray<ReadonlyArray<number>>
  /** Wrong ones, the most confident first. */
  readonly worst: ReadonlyArray<Outcome>
}

/** Tests a classifier on some rows of a data set; undefined if there are none. */
export const testClassifier = (
  classifier: Classifier,
  dataset: Dataset,
  rows: ReadonlyArray<number>
): HoldoutResult | undefined =>
  scoreProbabilities(
    classifier.classes,
    rows.map((row) => {
      const { key, group } = dataset.samples[row]!
      return { key, group, label: dataset.labels[row]! }
    }),
    predict(classifier, vectorsOf(dataset, rows))
  )

/** Scores probabilities [n * classes] against n recordings' classes; undefined if there are none. */
export const scoreProbabilities = (
  classes: ReadonlyArray<string>,
  recordings: ReadonlyArray<{ readonly key: string; readonly group: string; readonly label: number }>,
  probabilities: Float32Array
): HoldoutResult | undefined => {
  if (recordings.length === 0) return undefined
  const confusion = classes.map(() => classes.map(() => 0))
  let loss = 0
  const outcomes = recordings.map(({ key, label }, row): Outcome & { readonly right: boolean } => {
    const own = probabilities.subarray(row * classes.length, (row + 1) * classes.length)
    const { label: predicted, probability: confidence } = likeliest(own)
    confusion[label]![predicted]! += 1
    // Keras clips at 1e-7 as well; a probability of float32 may be 0.
    loss -= Math.log(Math.max(own[label]!, 1e-7)) / recordings.length
    return { key, className: classes[label]!, predicted: classes[predicted]!, confidence, right: predicted === label }
  })
  const counts = countsIn(confusion)
  return {
    recordings: recordings.length,
    probabilities,
    accuracy: outcomes.filter(({ right }) => right).length / recordings.length,
    loss,
    macroF1: macroF1(counts),
    intervals: holdoutIntervals(
      classes.length,
      recordings.map(({ label }) => label),
      outcomes.map(({ predicted }) => classes.indexOf(predicted)),
      recordings.map(({ group }) => group)
    ),
    perClass: classes.map((className, label) => classScore(className, label, counts)),
    confusion,
    worst: outcomes
      .filter(({ right }) => !right)
      .map(({ right: _, ...outcome }) => outcome)
      .sort((a, b) => b.confidence - a.confidence || (a.key < b.key ? -1 : 1))
      .slice(0, WORST)
  }
}

const WORST = 12

const classScore = (className: string, label: number, counts: ClassCounts): ClassScore => {
  const [hits, support] = [counts.hits[label]!, counts.support[label]!]
  const share = (of: number) => (of === 0 ? 0 : hits / of)
  return { className, support, precision: share(counts.taken[label]!), recall: share(support), f1: f1Of(counts, label) }
}
