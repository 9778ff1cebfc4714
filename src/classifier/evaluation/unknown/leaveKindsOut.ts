import { Effect } from "effect"
import { type Classifier, predict } from "../../classifier.ts"
import { type Dataset, vectorsOf } from "../../dataset.ts"
import { likeliest } from "../../likeliest.ts"
import { type Split, splitAround } from "../../split.ts"
import type { Cut } from "../outOfFold.ts"
import type { PartOf } from "../parts.ts"

/** What a classifier made of a recording that it was not trained on. */
export interface Answer {
  /** The row of the data set. */
  readonly row: number
  /** The likeliest class, its place, and its probability. */
  readonly taken: number
  readonly probability: number
  /** Whether it is below the classifier's threshold for that class: "unknown". */
  readonly isUnknown: boolean
}

/** A kind of background, and what classifiers that never heard any of it made of it. */
export interface UnheardKind {
  readonly kind: string
  readonly answers: ReadonlyArray<Answer>
}

/** What a calibrated classifier makes of rows of a data set. */
export const answersOf = (
  classifier: Classifier & { readonly calibration?: { readonly thresholds: ReadonlyArray<number> } },
  dataset: Dataset,
  rows: ReadonlyArray<number>
): ReadonlyArray<Answer> => {
  const { length } = dataset.classes
  const probabilities = predict(classifier, vectorsOf(dataset, rows))
  return rows.map((row, at) => {
    const own = probabilities.subarray(at * length, (at + 1) * length)
    const { label: taken, probability } = likeliest(own)
    return { row, taken, probability, isUnknown: probability < (classifier.calibration?.thresholds[taken] ?? 0) }
  })
}

/**
 * Trains once more for each cut and each kind of background that it tests, without all of that kind, and gives what the
 * classifier makes of the kind: sounds of no class, of a kind that it has never heard. A kind that is all of the background
 * that there is to train on is passed over. `onTrained` runs after each training.
 */
export const leaveKindsOut = Effect.fn("leaveKindsOut")(function* <C extends Classifier, E, R>(
  dataset: Dataset,
  cuts: ReadonlyArray<Cut>,
  background: string,
  kindOf: PartOf,
  train: (dataset: Dataset, split: Split, seed: number) => Effect.Effect<C, E, R>,
  onTrained: (done: number, total: number) => Effect.Effect<void> = () => Effect.void
) {
  const kinds = dataset.samples.map(({ key, className }) => (className === background ? kindOf(key) : undefined))
  const wanted = cuts
    .filter(({ repeat }) => repeat === 0)
    .flatMap((cut) =>
      [...new Set(cut.tested.map((row) => kinds[row]))].flatMap((kind) => (kind === undefined ? [] : [{ cut, kind }]))
    )
  const heard: Array<UnheardKind> = []
  for (const [done, { cut, kind }] of wanted.entries()) {
    const without = dropped(dataset, (row) => kinds[row] === kind)
    const { split, number } = cut
    const heldOut = new Set([...split.subsets].flatMap(([group, subset]) => (subset === "holdout" ? [group] : [])))
    const rest = splitAround(without, heldOut, `validation ${number} without ${kind}`)
    const trains = (className: string) =>
      without.samples.some((own) => own.className === className && !heldOut.has(own.group))
    if (trains(background)) {
      const classifier = yield* train(without, rest, number)
      const rows = cut.tested.filter((row) => kinds[row] === kind)
      heard.push({ kind, answers: answersOf(classifier, dataset, rows) })
    }
    yield* onTrained(done + 1, wanted.length)
  }
  return [...Map.groupBy(heard, ({ kind }) => kind)]
    .map(([kind, own]): UnheardKind => ({ kind, answers: own.flatMap(({ answers }) => answers) }))
    .sort((a, b) => (a.kind < b.kind ? -1 : 1))
})

/** A data set without some rows; its classes stay. */
const dropped = (dataset: Dataset, isDropped: (row: number) => boolean): Dataset => {
  const rows = [...dataset.samples.keys()].filter((row) => !isDropped(row))
  return {
    ...dataset,
    samples: rows.map((row) => dataset.samples[row]!),
    labels: Int32Array.from(rows, (row) => dataset.labels[row]!)
  }
}
