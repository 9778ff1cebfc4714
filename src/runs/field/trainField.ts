import { Effect } from "effect"
import type { Dataset } from "../../classifier/dataset.ts"
import { openWindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import type { Lasting } from "../../classifier/events/confirmed.ts"
import { fieldModel } from "../../classifier/export/onnx.ts"
import { type KeptWindows, keepWindows } from "../../classifier/site/keptWindows.ts"
import type { Split } from "../../classifier/split.ts"
import type { Backend } from "../../classifier/train/backend.ts"
import type { TrainedClassifier } from "../../classifier/train/train.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { backgroundOf } from "../../store/className.ts"
import { Store } from "../../store/store.ts"
import { RunEvents } from "../../stream/events.ts"
import { makeWindows, trainWindows } from "./trainWindows.ts"

/** A run's classifier of clips, and what it was trained from. */
interface Clips {
  readonly classifier: TrainedClassifier
  readonly dataset: Dataset
  readonly split: Split
  readonly embedder: Embedder
}

/** A classifier for scans; none, with a sentence on why, where the recordings do not give one. */
export interface FieldTraining {
  readonly classifier: TrainedClassifier | undefined
  /** What it learns sites by, where it can. */
  readonly kept?: KeptWindows | undefined
  /** How long the events that it was trained on last. */
  readonly lasting?: Lasting | undefined
  readonly notes: ReadonlyArray<string>
}

/**
 * Trains what a run's version hears field recordings with. That it cannot be done is said, and is no reason to lose a run:
 * scans then use the classifier of clips.
 */
export const trainField = Effect.fn("trainField")(function* (
  { classifier, dataset, split, embedder }: Clips,
  backend: Backend
) {
  const { fieldMinutes } = yield* Settings
  const background = backgroundOf(dataset.classes)
  if (fieldMinutes === 0 || background === undefined) return without()
  const store = yield* Store
  const emit = yield* RunEvents
  const locate = (key: string) => ({ store, key })
  return yield* makeWindows({ dataset, locate }, split, background, (done, total) =>
    emit({ stage: "mix", done, total })
  ).pipe(
    Effect.flatMap(
      Effect.fnUntraced(function* (made) {
        if (made === undefined) return without(`Scans use the classifier of clips: ${LACKING}.`)
        const { windows, lasting } = made
        const trained = yield* trainWindows(windows, classifier, embedder.scores, backend)
        const kept = yield* keptOf(windows, trained)
        return { classifier: trained, kept, lasting, notes: [] } satisfies FieldTraining
      })
    ),
    Effect.catch(({ message }) => Effect.succeed(without(`Scans use the classifier of clips: ${message}`)))
  )
})

/** Of the windows that trained a classifier those by which it learns sites. */
export const keptOf = (windows: Dataset, classifier: TrainedClassifier) =>
  openWindowClassifier(
    fieldModel(classifier, windows.vectors),
    classifier.classes,
    Object.values(windows.vectors)
  ).pipe(
    Effect.flatMap(({ score }) => keepWindows(windows, score)),
    Effect.scoped
  )

const LACKING = "of some class no recording that trains can be heard"

const without = (...notes: ReadonlyArray<string>): FieldTraining => ({ classifier: undefined, notes })
