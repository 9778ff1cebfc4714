import { Effect } from "effect"
import { counted } from "../../config/inWords.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { mendCopies } from "../../registry/mendCopies.ts"
import { newRunId } from "../../registry/runRecord.ts"
import { lastTrainingSet, newSince, type TrainingSet } from "../../registry/trainingSet.ts"
import { classOf } from "../../store/keys.ts"
import { isDue } from "../isDue.ts"
import { planRun, type RetrainOptions } from "../planRun.ts"
import { retrain } from "../retrain.ts"
import type { RunSummary } from "../summary.ts"
import { makeFieldWatch } from "./fieldWatch.ts"
import { makeLanding, untilItAnswers } from "./landing.ts"
import type { Source } from "./source.ts"

export interface WatchOptions extends Omit<RetrainOptions, "minNewSamples"> {
  /** New recordings since the last training at which another begins. */
  readonly minNewSamples: number
  /** Told of each run that came to its end. */
  readonly onRun: (summary: RunSummary) => Effect.Effect<void>
}

/**
 * Embeds recordings as they land, one look after another, and trains at `minNewSamples` new ones; hears field recordings;
 * never ends.
 *
 * Looking, embedding, training and hearing take turns, so whatever lands during a training waits for its end, and many triggers
 * make one run. That another process trains is no error: its result is awaited. Where the store or the queue does not
 * answer, it is asked again, ever less often.
 */
export const watch = Effect.fn("watch")(function* (source: Source, embedder: Embedder, options: WatchOptions) {
  const landing = yield* makeLanding(source, embedder, options)
  const field = yield* makeFieldWatch(embedder)
  let trained: TrainingSet | undefined
  /** New recordings at the last attempt that failed: the same again would fail again. */
  let failedAt = 0

  const train = Effect.gen(function* () {
    const plan = yield* planRun(embedder, options.augmentations)
    const { onRun, ...run } = options
    yield* Effect.flatMap(retrain(yield* newRunId, plan, embedder, run), onRun)
    failedAt = 0
  })

  const trainIfDue = Effect.gen(function* () {
    const before = trained ?? (yield* lastTrainingSet)
    trained = before
    const recordings = landing.recordings()
    const isNew = newSince(before)
    const fresh = [...recordings].filter(([key, contentHash]) => isNew(key, contentHash)).length
    const classes = new Set([...recordings.keys()].map(classOf)).size
    if (!isDue({ fresh, classes }, options.minNewSamples, failedAt)) return
    yield* Effect.logInfo(`${counted(fresh, "recording is", "recordings are")} new since the last training.`)
    yield* train.pipe(
      Effect.catchTag("LeaseHeld", ({ message }) => Effect.logInfo(`${message} Waiting for its result.`)),
      Effect.catchIf(
        ({ _tag }) => _tag !== "StoreError",
        ({ message }) => {
          failedAt = fresh
          return Effect.logError(`The run failed: ${message} It is tried again when more recordings have come.`)
        }
      )
    )
    // Whoever trained may have embedded, too.
    trained = undefined
    yield* landing.forgetStored
  }).pipe(untilItAnswers)

  yield* mendCopies()
  return yield* landing.look.pipe(
    Effect.tap(({ whole }) => {
      if (whole) trained = undefined
      return trainIfDue
    }),
    Effect.tap(() => field.look),
    Effect.forever
  )
})
