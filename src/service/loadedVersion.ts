import { Effect, Exit, Option, Schema, Scope } from "effect"
import { Settings } from "../config/settings.ts"
import { findStored, METADATA_FILE, versionReader } from "../registry/versionFiles.ts"
import { SAMPLE_RATE } from "../sound/clip.ts"
import { decodeClip } from "../sound/decode/decode.ts"
import { readSpan } from "../sound/field/readField.ts"
import { decodeDocument } from "../store/documents.ts"
import { EMBEDDERS_PREFIX, embedderKey, versionKey } from "../store/keys.ts"
import { isAbsence, Store, StoreError } from "../store/store.ts"
import { localCopyOf, readCopied } from "./localCopy.ts"
import type { VersionModel } from "./versionModel.ts"
import { EmbedderInMetadata, modelBehind, wholeModel } from "./versionModel.ts"

/** A version whose model cannot be read or run. */
class UnusableVersion extends Schema.TaggedError<UnusableVersion>()("UnusableVersion", { message: Schema.String }) {}

/** A version without a model that takes sound; the message is for who asks for predictions. */
class NoPredictions extends Schema.TaggedError<NoPredictions>()("NoPredictions", { message: Schema.String }) {}

/** The bytes are no usable recording. */
class NoRecording extends Schema.TaggedError<NoRecording>()("NoRecording", { message: Schema.String }) {}

/** Two of one name could not be told apart. */
const ClassNames = Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isUnique())

/** A version in memory. */
interface Loaded {
  readonly runId: string
  readonly classes: ReadonlyArray<string>
  readonly model: VersionModel
  readonly scope: Scope.Closeable
}

/**
 * Predicts with the version that is asked for, and decodes without one; for one request at a time.
 *
 * Embedder and classifier are always those of one version, whatever this process is set to. Only the version asked for last
 * is kept; the next is loaded beside it before it is let go. What this machine has a copy of goes before the store, which may
 * be far or away: a version never changes.
 */
export const loadedVersion = Effect.gen(function* () {
  const store = yield* Store
  const copy = yield* localCopyOf(store.location)
  const { clipMaxSeconds } = yield* Settings
  let loaded: Loaded | undefined

  const decode = (bytes: Uint8Array, sampleRate = SAMPLE_RATE) =>
    Effect.mapError(
      decodeClip(bytes, { maxSeconds: clipMaxSeconds, sampleRate }),
      ({ reason }) => new NoRecording({ message: reason })
    )

  /** Reads a version's files from the store, once they are what was written. */
  const fromStore = Effect.fnUntraced(
    function* (runId: string) {
      const version = yield* findStored(runId)
      const read = yield* versionReader(version)
      return Effect.fnUntraced(
        function* (key: string) {
          if (key.startsWith(EMBEDDERS_PREFIX)) return yield* store.get(key)
          const file = key.slice(versionKey(runId, "").length)
          const bytes = version.files.has(file) ? yield* read(file) : Option.none<Uint8Array>()
          if (Option.isSome(bytes)) return { bytes: bytes.value }
          return yield* version.files.has(file)
            ? new StoreError({ reason: "invalid", key, message: `${key} is damaged.` })
            : new StoreError({ reason: "missing", key, message: `${key} does not exist.` })
        },
        Effect.provideService(Store, store)
      )
    },
    Effect.provideService(Store, store)
  )

  const open = Effect.fnUntraced(function* (
    runId: string,
    from: (key: string) => Effect.Effect<{ readonly bytes: Uint8Array }, StoreError>
  ) {
    const fail = (cause: unknown) =>
      new UnusableVersion({ message: `The model of ${runId} cannot be loaded: ${sentence(cause)}` })
    const failUnlessAway = (cause: unknown) => (isAway(cause) ? cause : fail(cause))
    const names = versionKey(runId, "class_names.json")
    const classes = yield* from(names).pipe(
      Effect.flatMap(({ bytes }) => decodeDocument(names, ClassNames, bytes)),
      Effect.mapError(failUnlessAway)
    )
    const get = (key: string) => Effect.map(Effect.mapError(from(key), failUnlessAway), ({ bytes }) => bytes)
    const whole = yield* from(versionKey(runId, "ecosight.onnx")).pipe(
      Effect.asSome,
      Effect.catchIf(isAbsence, () => Effect.succeedNone),
      Effect.mapError(failUnlessAway)
    )
    const behind = Effect.gen(function* () {
      const at = versionKey(runId, METADATA_FILE)
      const { embedder } = yield* Effect.mapError(decodeDocument(at, EmbedderInMetadata, yield* get(at)), fail)
      if (embedder === undefined) return yield* new NoPredictions({ message: WITHOUT })
      const key = embedderKey(embedder.sha256)
      const file = { key, description: embedder, bytes: yield* get(key) }
      const classifier = yield* get(versionKey(runId, "classifier.onnx"))
      return yield* Effect.mapError(modelBehind(file, classifier), fail)
    })
    const scope = yield* Scope.make()
    const model = yield* (Option.isSome(whole) ? wholeModel(whole.value.bytes, fail) : behind).pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    return { runId, classes, model, scope } satisfies Loaded
  })

  const load = Effect.fn("Version.load")(function* (runId: string) {
    if (loaded?.runId === runId) return loaded
    const before = loaded
    loaded = yield* Effect.catch(open(runId, readCopied(copy)), () =>
      Effect.flatMap(fromStore(runId), (from) => open(runId, from))
    )
    if (before !== undefined) yield* Scope.close(before.scope, Exit.void)
    return loaded
  })

  const predict = Effect.fn("Version.predict")(function* (runId: string, bytes: Uint8Array) {
    const { model, classes } = yield* load(runId)
    const { samples, sampleRate } = yield* decode(bytes, model.sampleRate)
    const values = yield* Effect.mapError(
      model.run(samples),
      (cause) => new UnusableVersion({ message: `The model of ${runId} cannot be run: ${sentence(cause)}` })
    )
    if (values.length !== classes.length || !values.every(Number.isFinite)) {
      const message = `The model of ${runId} does not answer with a probability for each of its ${classes.length} classes.`
      return yield* new UnusableVersion({ message })
    }
    return {
      probabilities: Object.fromEntries(classes.map((name, at) => [name, values[at]!])),
      seconds: samples.length / sampleRate
    }
  })

  const inspect = Effect.fn("Version.inspect")(function* (bytes: Uint8Array) {
    const { samples, sampleRate } = yield* decode(bytes)
    return samples.length / sampleRate
  })

  const inspectField = Effect.fn("Version.inspectField")(function* (bytes: Uint8Array) {
    const read = (from: number, to: number) => Effect.sync(() => bytes.slice(from, to))
    const { samples, rate } = yield* readSpan(read, bytes.length, { from: 0, to: clipMaxSeconds }).pipe(
      Effect.mapError(({ reason }) => new NoRecording({ message: reason }))
    )
    return samples.length / rate
  })

  return { load, predict, inspect, inspectField }
})

const WITHOUT =
  "The promoted model has no ecosight.onnx, by which the service predicts: its embedder cannot be one graph, or the file " +
  "was removed. Promote another version."

/** Whether it says nothing of the version, only that the store does not answer. */
const isAway = (cause: unknown): cause is StoreError =>
  cause instanceof StoreError && (cause.reason === "unreachable" || cause.reason === "denied")

const sentence = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
