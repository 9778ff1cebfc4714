import { isAbsolute } from "node:path"
import { Effect, Layer, type Option } from "effect"
import { counted } from "../../config/inWords.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { Embeddings } from "../../embeddings/embeddings.ts"
import { Store } from "../../store/store.ts"
import { planRun } from "../planRun.ts"
import { TRAINING_DEFAULTS } from "../trainingDefaults.ts"
import { examineConnections } from "./examineConnections.ts"
import { ASSUMED_SECONDS, examineEngine, type Speed, secondsFor } from "./examineEngine.ts"
import { examineMachine } from "./examineMachine.ts"
import { examineModels } from "./examineModels.ts"
import { examineRecordings, type Found } from "./examineRecordings.ts"
import { examineSettings } from "./examineSettings.ts"
import { examineSpace } from "./examineSpace.ts"
import { examineStore } from "./examineStore.ts"
import { examineWeights } from "./examineWeights.ts"
import { type Finding, ok, wrong } from "./finding.ts"

/** The patience that a doctor has with a bucket, in seconds: who waits wants to know. */
const PATIENCE = 10
/** For what a model's copy, measured ranges and unpacked libraries take. */
const CACHE_BYTES = 100e6
/** A run's variants: its recordings, and what is drawn of them. */
const VARIANTS = TRAINING_DEFAULTS.augmentations + 1

export interface ExamineOptions {
  /** What `--store` names. */
  readonly location: Option.Option<string>
  /** Whether to try writing, too. */
  readonly write: boolean
  /** The names of the variables that are set. */
  readonly variables: ReadonlyArray<string>
}

/**
 * Looks at all that a run needs, from the settings to the time that it would take, and tells each finding as it is come by.
 * Fails for nothing that can be mended, and changes nothing but by `write`.
 */
export const examine = Effect.fn("examine")(function* (
  options: ExamineOptions,
  tell: (findings: ReadonlyArray<Finding>) => Effect.Effect<void>
) {
  yield* tell(examineMachine())
  const settings = yield* examineSettings(options.variables)
  yield* tell(settings)
  // With others than were meant, the rest would be of another setup.
  if (settings.some(({ state }) => state === "wrong")) return
  yield* examineRest(options, tell).pipe(
    Effect.updateService(Settings, (settings) => ({
      ...settings,
      storePatience: Math.min(settings.storePatience, PATIENCE)
    })),
    Effect.provide(Settings.layer),
    Effect.catchTag("SettingError", ({ message }) => tell([wrong("settings", message)]))
  )
})

const examineRest = Effect.fnUntraced(function* (
  { location, write }: ExamineOptions,
  tell: (findings: ReadonlyArray<Finding>) => Effect.Effect<void>
) {
  const { modelCache } = yield* Settings
  const { store, findings } = yield* examineStore(location, write)
  yield* tell(findings)
  const recordings =
    store === undefined
      ? undefined
      : yield* examineRecordings().pipe(
          Effect.provideService(Store, store),
          Effect.catchTag("StoreError", ({ message }) =>
            Effect.succeed({
              found: { recordings: 0, bytes: 0 },
              findings: [wrong("recordings", message)],
              trainable: false
            })
          )
        )
  if (recordings !== undefined) yield* tell(recordings.findings)
  if (store !== undefined) yield* tell(yield* examineModels(store))
  const { embedder, findings: weights } = yield* examineWeights()
  yield* tell(weights)
  const engine = embedder === undefined ? undefined : yield* examineEngine(embedder)
  if (engine !== undefined) yield* tell(engine.findings)
  yield* tell([yield* examineSpace(modelCache, "the cache (MODEL_CACHE)", CACHE_BYTES)])
  if (store !== undefined && recordings?.trainable && embedder !== undefined) {
    yield* tell(yield* examineWork(store, recordings.found, embedder, engine?.speed))
  }
  yield* tell(yield* examineConnections(store?.location))
})

/** What is to be embedded yet: how long that takes, and how much room. */
const examineWork = Effect.fnUntraced(
  function* (store: Store["Service"], { recordings, bytes }: Found, embedder: Embedder, speed: Speed | undefined) {
    const { count } = yield* planRun(embedder, TRAINING_DEFAULTS.augmentations)
    const toEmbed = count.recordings - count.stored
    const vectors = toEmbed * VARIANTS * rowSize(embedder.frontEnd) * Float32Array.BYTES_PER_ELEMENT
    const copies = (toEmbed / recordings) * bytes * TRAINING_DEFAULTS.augmentations
    return [
      ...(isAbsolute(store.location)
        ? [yield* examineSpace(store.location, "vectors and the variants' audit copies", vectors + copies)]
        : []),
      ...(speed === undefined ? [] : [expectation(toEmbed, speed)])
    ]
  },
  (examined, store) =>
    examined.pipe(
      Effect.provide(Embeddings.layer.pipe(Layer.provideMerge(Layer.succeed(Store, store)))),
      Effect.catch(({ message }) => Effect.succeed([wrong("recordings", message)]))
    )
)

const expectation = (toEmbed: number, speed: Speed): Finding =>
  toEmbed === 0
    ? ok("time", "All is embedded: a run only trains.")
    : ok(
        "time",
        `About ${duration(secondsFor(toEmbed * VARIANTS, speed))} to embed ${counted(toEmbed, "recording")} once, with ${VARIANTS - 1} variants each, if ` +
          `they are ${ASSUMED_SECONDS} s long; training comes on top. A later run pays for new ones only.`
      )

const duration = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
      ? `${Math.ceil(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`
