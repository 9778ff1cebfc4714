import { availableParallelism } from "node:os"
import { Effect } from "effect"
import { counted } from "../../config/inWords.ts"
import { type Classifier, predict } from "../classifier.ts"
import { type Dataset, vectorsOf } from "../dataset.ts"
import { type Split, splitAround } from "../split.ts"
import { ALWAYS_TRAINED, assignFolds } from "./folds.ts"

/** How often, and on how many sides, a data set is cut. */
export interface CrossValidation {
  readonly folds: number
  readonly repeats: number
  /** The same seed gives the same folds, so that all that is compared is tested on the same. */
  readonly seed: number
  /** What to cut instead of folds: see `cutsByPart`. */
  readonly cuts?: ReadonlyArray<Cut>
}

/** Trains on a split's training and validation rows; equal seeds must give equal classifiers. */
export type TrainFold<E, R> = (split: Split, seed: number) => Effect.Effect<Classifier, E, R>

/** What classifiers made of recordings that they were not trained on. */
export interface OutOfFold {
  /** Every recording's original, or every one in a part that was left out: rows of the data set. */
  readonly rows: ReadonlyArray<number>
  /** For each repeat, [rows * classes]; NaN for the rows that could not be tested. */
  readonly probabilities: ReadonlyArray<Float32Array>
  /** What could not be tested, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/** One fold of one repeat. */
export interface Cut {
  readonly repeat: number
  /** Counted over all repeats; what is drawn in this cut is drawn by it. */
  readonly number: number
  readonly split: Split
  /** Rows of the data set to score: originals whose class is trained. Empty where nothing can be tested. */
  readonly tested: ReadonlyArray<number>
  /** What people call the part that is left out; absent for a fold. */
  readonly part?: string
}

/** The cuts of a cross-validation, in order; those that could test nothing are there, too, and empty. */
export const cutsOf = (dataset: Dataset, { folds, repeats, seed }: CrossValidation): ReadonlyArray<Cut> =>
  Array.from({ length: repeats }, (_, repeat) => {
    const assigned = assignFolds(dataset, folds, seed + repeat)
    return Array.from({ length: folds }, (_, fold): Cut => {
      const number = repeat * folds + fold
      const heldOut = new Set([...assigned].flatMap(([group, own]) => (own === fold ? [group] : [])))
      const split = splitAround(dataset, heldOut, `validation ${seed} ${number}`)
      return { repeat, number, split, tested: testable(dataset, split) }
    })
  }).flat()

/** The rows that a split holds out and whose class it trains; none where it trains fewer than two classes. */
export const testable = ({ labels }: Pick<Dataset, "labels">, { training, holdout }: Split): ReadonlyArray<number> => {
  const trained = new Set(training.map((row) => labels[row]!))
  return trained.size > 1 ? holdout.filter((row) => trained.has(labels[row]!)) : []
}

/** Trains for one cut, and gives the probabilities of what it tests, [tested * classes]. */
export const testCut = <E, R>(
  dataset: Dataset,
  { split, number, tested }: Cut,
  seed: number,
  train: TrainFold<E, R>
) =>
  tested.length === 0
    ? Effect.succeed(new Float32Array())
    : Effect.map(train(split, seed + number), (classifier) => predict(classifier, vectorsOf(dataset, tested)))

/**
 * Repeated grouped stratified cross-validation: in each repeat every recording is scored once, by a classifier trained
 * on all variants of recordings from other sources. Only originals are scored.
 *
 * Not tested are recordings from a source that holds all of a class, and those whose class a fold leaves nothing to
 * train on. `onFold` runs after each of the `folds * repeats` trainings, which are spread over the processor's cores.
 */
export const outOfFold = Effect.fn("outOfFold")(function* <E, R>(
  dataset: Dataset,
  plan: CrossValidation,
  train: TrainFold<E, R>,
  onFold: (done: number, total: number) => Effect.Effect<void> = () => Effect.void
) {
  const cuts = plan.cuts ?? cutsOf(dataset, plan)
  let done = 0
  const given = yield* Effect.forEach(
    cuts,
    (cut) => Effect.tap(testCut(dataset, cut, plan.seed, train), () => onFold(++done, cuts.length)),
    { concurrency: availableParallelism() }
  )
  return collect(dataset, plan.repeats, cuts, given)
})

/** Puts together what cuts gave; rows that none of them tested stay NaN. */
export const collect = (
  dataset: Dataset,
  repeats: number,
  cuts: ReadonlyArray<Cut>,
  given: ReadonlyArray<Float32Array>
): OutOfFold => {
  const { classes, samples } = dataset
  const isByPart = cuts.some(({ part }) => part !== undefined)
  const everTested = new Set(cuts.flatMap(({ tested }) => tested))
  const rows = samples.flatMap(({ variant }, row) =>
    variant === "original" && (!isByPart || everTested.has(row)) ? [row] : []
  )
  const place = new Map(rows.map((row, at) => [row, at]))
  const probabilities = Array.from({ length: repeats }, () =>
    new Float32Array(rows.length * classes.length).fill(Number.NaN)
  )
  for (const [index, { repeat, tested }] of cuts.entries()) {
    for (const [at, row] of tested.entries()) {
      const own = given[index]!.subarray(at * classes.length, (at + 1) * classes.length)
      probabilities[repeat]!.set(own, place.get(row)! * classes.length)
    }
  }
  // What parts leave untested is told by who made them.
  return { rows, probabilities, notes: isByPart ? [] : untestedNotes(dataset, rows, probabilities) }
}

/** The mean over the repeats in which a recording was tested, [rows * classes]; NaN where it never was. */
export const meanProbabilities = ({ probabilities }: Pick<OutOfFold, "probabilities">): Float32Array =>
  probabilities[0]!.map((_, at) => {
    const known = probabilities.flatMap((repeat) => (Number.isNaN(repeat[at]!) ? [] : [repeat[at]!]))
    return known.length === 0 ? Number.NaN : known.reduce((sum, value) => sum + value, 0) / known.length
  })

const untestedNotes = (
  dataset: Dataset,
  rows: ReadonlyArray<number>,
  probabilities: ReadonlyArray<Float32Array>
): ReadonlyArray<string> => {
  const folds = assignFolds(dataset, 2, 0)
  return dataset.classes.flatMap((name, label) => {
    const own = rows.flatMap((row, at) => (dataset.labels[row] === label ? [{ row, at }] : []))
    const untested = own.filter(({ at }) =>
      probabilities.every((repeat) => Number.isNaN(repeat[at * dataset.classes.length]!))
    ).length
    if (untested === 0) return []
    const groups = new Set(own.map(({ row }) => dataset.samples[row]!.group))
    if (groups.size === 1) {
      return [
        `Class "${name}" is not tested: ${counted(own.length, "recording")} from one source cannot say how others fare; add sources.`
      ]
    }
    const bound = own.some(({ row }) => folds.get(dataset.samples[row]!.group) === ALWAYS_TRAINED)
    const why = bound ? "their source holds all of another class" : "no other source of the class was left to train on"
    return [`Class "${name}": ${untested} of ${counted(own.length, "recording")} are not tested: ${why}.`]
  })
}
