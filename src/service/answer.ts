import { Effect, Exit, Schema, Scope } from "effect"
import { type InferenceSession, Tensor } from "onnxruntime-node"
import { Settings } from "../config.ts"
import { openSession } from "../embedder/onnx/session.ts"
import { decodeClip } from "../sound/decode/decode.ts"
import { versionKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import type { EngineReply, EngineRequest } from "./messages.ts"

/** A version whose model cannot be read or run. */
class UnusableVersion extends Schema.TaggedError<UnusableVersion>()("UnusableVersion", { message: Schema.String }) {}

const ClassNames = Schema.fromJsonString(Schema.Array(Schema.String))

/** A version in memory. */
interface Loaded {
  readonly runId: string
  readonly classes: ReadonlyArray<string>
  readonly session: InferenceSession
  readonly scope: Scope.Closeable
}

/**
 * Makes the function that answers the service, one request at a time.
 *
 * It runs `ecosight.onnx`, the file that devices get too: front-end, YAMNet, pooling and classifier in one. Only the
 * version asked for last is kept; the next is loaded beside it before it is let go.
 */
export const answer = Effect.gen(function* () {
  const store = yield* Store
  const { clipMaxSeconds } = yield* Settings
  let loaded: Loaded | undefined

  const load = Effect.fn("Version.load")(function* (runId: string) {
    if (loaded?.runId === runId) return loaded
    const read = (file: string) => Effect.map(store.get(versionKey(runId, file)), ({ bytes }) => bytes)
    const fail = (cause: unknown) =>
      new UnusableVersion({ message: `The model of ${runId} cannot be loaded: ${sentence(cause)}` })
    const classes = yield* read("class_names.json").pipe(
      Effect.flatMap((bytes) => Schema.decodeUnknownEffect(ClassNames)(new TextDecoder().decode(bytes))),
      Effect.mapError(fail)
    )
    const model = yield* read("ecosight.onnx").pipe(Effect.mapError(fail))
    const scope = yield* Scope.make()
    // On one thread: cores are shared out by processes, and several are no faster.
    const session = yield* Scope.provide(openSession(model, 1, fail), scope)
    const before = loaded
    loaded = { runId, classes, session, scope }
    if (before !== undefined) yield* Scope.close(before.scope, Exit.void)
    return loaded
  })

  const predict = Effect.fn("Version.predict")(function* (runId: string, bytes: Uint8Array) {
    const { session, classes } = yield* load(runId)
    const { samples } = yield* decodeClip(bytes, { maxSeconds: clipMaxSeconds })
    const { probabilities } = yield* Effect.tryPromise({
      try: () => session.run({ waveform: new Tensor("float32", samples, [samples.length]) }),
      catch: (cause) => new UnusableVersion({ message: `The model of ${runId} cannot be run: ${sentence(cause)}` })
    })
    const values = probabilities!.data as Float32Array
    return Object.fromEntries(classes.map((name, at) => [name, values[at]!]))
  })

  const reply = (request: EngineRequest) => {
    switch (request.kind) {
      case "load":
        return load(request.runId).pipe(Effect.as<EngineReply>({ kind: "loaded" }))
      case "predict":
        return predict(request.runId, request.bytes).pipe(
          Effect.map((probabilities): EngineReply => ({ kind: "predicted", probabilities }))
        )
      case "inspect":
        return decodeClip(request.bytes, { maxSeconds: clipMaxSeconds }).pipe(
          Effect.map(({ samples, sampleRate }): EngineReply => {
            return { kind: "inspected", seconds: samples.length / sampleRate }
          })
        )
    }
  }

  return (request: EngineRequest): Effect.Effect<EngineReply> =>
    reply(request).pipe(
      Effect.catchTags({
        DecodeError: ({ reason }) => Effect.succeed<EngineReply>({ kind: "refused", reason }),
        UnusableVersion: ({ message }) => Effect.succeed<EngineReply>({ kind: "failed", message })
      }),
      Effect.catchDefect((defect) => Effect.succeed<EngineReply>({ kind: "failed", message: sentence(defect) }))
    )
})

const sentence = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
