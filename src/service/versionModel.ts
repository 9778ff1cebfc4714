import { Effect, Schema, type Scope } from "effect"
import { Tensor } from "onnxruntime-common"
import { Description } from "../embedder/file/description.ts"
import { embedderOfFile } from "../embedder/file/embedderFile.ts"
import { rowSize } from "../embedder/frontEnd.ts"
import { makeNative } from "../embedder/native/nativeEngine.ts"
import { openSession } from "../embedder/onnx/session.ts"
import { SAMPLE_RATE } from "../sound/clip.ts"

/** A version's model in memory: from a clip to what it says of it. */
export interface VersionModel {
  /** Of the clips that it takes, in Hz. */
  readonly sampleRate: number
  /** Mono samples to probabilities, one a class; fails with what the engine says. */
  readonly run: (samples: Float32Array) => Effect.Effect<Float32Array, unknown>
}

/** What a version's metadata says of an embedder that came in a file. */
export const EmbedderInMetadata = Schema.Struct({ embedder: Schema.optionalKey(Description) })

// On one thread: cores are shared out by processes, and several are no faster.
const THREADS = 1

/** `ecosight.onnx`, the file that devices get too: front-end, YAMNet, pooling and classifier in one. */
export const wholeModel = <E>(
  bytes: Uint8Array,
  fail: (cause: unknown) => E
): Effect.Effect<VersionModel, E, Scope.Scope> =>
  Effect.map(openSession(bytes, THREADS, fail), (session) => ({
    sampleRate: SAMPLE_RATE,
    run: (samples) =>
      Effect.tryPromise({
        try: async () => {
          const { probabilities } = await session.run({ waveform: new Tensor("float32", samples, [samples.length]) })
          return probabilities!.data as Float32Array
        },
        catch: (cause) => cause
      })
  }))

/** An embedder that came in a file, and behind it the version's `classifier.onnx`; a clip is pooled as recordings are. */
export const modelBehind = Effect.fn("modelBehind")(function* (
  { key, description, bytes }: { readonly key: string; readonly description: Description; readonly bytes: Uint8Array },
  classifier: Uint8Array
) {
  const embedder = yield* embedderOfFile(key, description, bytes)
  const { frontEnd } = embedder
  const engine = yield* makeNative({ backbone: embedder, why: "Native, for predictions.", threads: THREADS })
  const session = yield* openSession(classifier, THREADS, (cause) => cause)
  const [size, step] = [rowSize(frontEnd), engine.batch * frontEnd.patchSize]
  const pooled = Effect.fnUntraced(function* (samples: Float32Array) {
    const patches = frontEnd.prepare(samples)
    const weights = frontEnd.weigh(patches)
    const sum = new Float64Array(size)
    for (let at = 0; at < patches.length; at += step) {
      const rows = yield* engine.embed(patches.subarray(at, at + step))
      const first = at / frontEnd.patchSize
      for (let i = 0; i < rows.length; i++) sum[i % size]! += weights[first + Math.floor(i / size)]! * rows[i]!
    }
    return Float32Array.from(sum)
  })
  const run = Effect.fnUntraced(function* (samples: Float32Array) {
    const embedding = new Tensor("float32", yield* pooled(samples), [1, size])
    const { probabilities } = yield* Effect.tryPromise({
      try: () => session.run({ embedding }),
      catch: (cause) => cause
    })
    return probabilities!.data as Float32Array
  })
  return { sampleRate: frontEnd.sampleRate, run } satisfies VersionModel
})
