import { Effect, Exit, Schema, Scope } from "effect"
import { type InferenceSession, Tensor } from "onnxruntime-common"
import { Settings } from "../config/settings.ts"
import { openSession } from "../embedder/onnx/session.ts"
import { decodeClip } from "../sound/decode/decode.ts"
import { decodeDocument } from "../store/documents.ts"
import { versionKey } from "../store/keys.ts"
import { isAbsence, Store, StoreError } from "../store/store.ts"
import { localCopyOf, readCopied } from "./localCopy.ts"

/** A version whose model cannot be read or run. */
class UnusableVersion extends Schema.TaggedError<UnusableVersion>()("UnusableVersion", { message: Schema.String }) {}

/** A version without `ecosight.onnx`; the message is for who asks for predictions. */
class NoPredictions extends Schema.TaggedError<NoPredictions>()("NoPredictions", { message: Schema.String }) {}

/** The bytes are no usable recording. */
class NoRecording extends Schema.TaggedError<NoRecording>()("NoRecording", { message: Schema.String }) {}

/** A version in memory. */
interface Loaded {
  readonly runId: string
  readonly classes: ReadonlyArray<string>
  readonly session: InferenceSession
  readonly scope: Scope.Closeable
}

/**
 * Predicts with the version that is asked for, and decodes without one; for one request at a time.
 *
 * It runs `ecosight.onnx`, the file that devices get too: front-end, YAMNet, pooling and classifier in one. Only the
 * version asked for last is kept; the next is loaded beside it before it is let go. What this machine has a copy of goes before
 * the store, which may be far or away: a version never changes.
 */
export const loadedVersion = Effect.gen(function* () {
  const store = yield* Store
  const copy = yield* localCopyOf(store.location)
  const { clipMaxSeconds } = yield* Settings
  let loaded: Loaded | undefined

  const decode = (bytes: Uint8Array) =>
    Effect.mapError(
      decodeClip(bytes, { maxSeconds: clipMaxSeconds }),
      ({ reason }) => new NoRecording({ message: reason })
    )

  const open = Effect.fnUntraced(function* (runId: string, from: Store["Service"]["get"]) {
    const fail = (cause: unknown) =>
      new UnusableVersion({ message: `The model of ${runId} cannot be loaded: ${sentence(cause)}` })
    const failUnlessAway = (cause: unknown) => (isAway(cause) ? cause : fail(cause))
    const names = versionKey(runId, "class_names.json")
    const classes = yield* from(names).pipe(
      Effect.flatMap(({ bytes }) => decodeDocument(names, Schema.Array(Schema.String), bytes)),
      Effect.mapError(failUnlessAway)
    )
    const { bytes } = yield* from(versionKey(runId, "ecosight.onnx")).pipe(
      Effect.mapError((cause) => (isAbsence(cause) ? new NoPredictions({ message: WITHOUT }) : failUnlessAway(cause)))
    )
    const scope = yield* Scope.make()
    // On one thread: cores are shared out by processes, and several are no faster.
    const session = yield* Scope.provide(openSession(bytes, 1, fail), scope)
    return { runId, classes, session, scope } satisfies Loaded
  })

  const load = Effect.fn("Version.load")(function* (runId: string) {
    if (loaded?.runId === runId) return loaded
    const before = loaded
    loaded = yield* Effect.catch(open(runId, readCopied(copy)), () => open(runId, store.get))
    if (before !== undefined) yield* Scope.close(before.scope, Exit.void)
    return loaded
  })

  const predict = Effect.fn("Version.predict")(function* (runId: string, bytes: Uint8Array) {
    const { session, classes } = yield* load(runId)
    const { samples, sampleRate } = yield* decode(bytes)
    const { probabilities } = yield* Effect.tryPromise({
      try: () => session.run({ waveform: new Tensor("float32", samples, [samples.length]) }),
      catch: (cause) => new UnusableVersion({ message: `The model of ${runId} cannot be run: ${sentence(cause)}` })
    })
    const values = probabilities!.data as Float32Array
    return {
      probabilities: Object.fromEntries(classes.map((name, at) => [name, values[at]!])),
      seconds: samples.length / sampleRate
    }
  })

  const inspect = Effect.fn("Version.inspect")(function* (bytes: Uint8Array) {
    const { samples, sampleRate } = yield* decode(bytes)
    return samples.length / sampleRate
  })

  return { load, predict, inspect }
})

const WITHOUT =
  "The promoted model has no ecosight.onnx, by which the service predicts: its embedder cannot be one graph, or the file " +
  "was removed. Promote another version."

/** Whether it says nothing of the version, only that the store does not answer. */
const isAway = (cause: unknown): cause is StoreError =>
  cause instanceof StoreError && (cause.reason === "unreachable" || cause.reason === "denied")

const sentence = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
