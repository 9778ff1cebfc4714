import { availableParallelism, cpus } from "node:os"
import { Effect, Semaphore } from "effect"
import { countPatches, Engine, EngineError } from "../engine.ts"
import { Graph } from "../onnx/graph.ts"
import { MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "../yamnet/frontend.ts"
import { EMBEDDING_SIZE, type Network } from "../yamnet/layers.ts"
import { addNetwork } from "../yamnet/networkGraph.ts"

// onnxruntime holds the JavaScript thread while it runs; 32 patches hold it for about 35 ms on two cores, after which
// fetching and the workers get their turn. Larger batches are no faster.
const BATCH = 32

const buildModel = (network: Network): Uint8Array => {
  const graph = new Graph("yamnet")
  const patches = graph.input("patches", [BATCH, PATCH_FRAMES, MEL_BANDS])
  graph.op("Identity", [addNetwork(graph, patches, network)], {}, "embeddings")
  graph.output("embeddings", [BATCH, EMBEDDING_SIZE])
  return graph.model()
}

/** YAMNet on this machine's processor, by onnxruntime. */
export const makeNative = Effect.fn("Native.make")(function* (options: {
  readonly network: Network
  readonly why: string
  /** Threads that a batch is spread over; all cores unless said. */
  readonly threads?: number
}) {
  const threads = options.threads ?? availableParallelism()
  const { InferenceSession, Tensor } = yield* Effect.tryPromise({
    try: () => import("onnxruntime-node"),
    catch: (cause) => new EngineError({ message: `The native engine cannot be loaded on this machine: ${cause}` })
  })
  const session = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        InferenceSession.create(buildModel(options.network), {
          intraOpNumThreads: threads,
          logSeverityLevel: 3,
          // Waiting threads sleep. Spinning is no faster alone and, beside decoding workers, burns 3.4 ms of
          // processor time a patch instead of 2.4.
          extra: { session: { intra_op: { allow_spinning: "0" } } }
        }),
      catch: (cause) => new EngineError({ message: `The native engine cannot start: ${cause}` })
    }),
    (session) => Effect.promise(() => session.release())
  )
  // The shape is fixed, so one buffer serves every batch; the patches of an earlier one stay behind a shorter one's.
  const input = new Tensor("float32", new Float32Array(BATCH * PATCH_SIZE), [BATCH, PATCH_FRAMES, MEL_BANDS])
  const turn = yield* Semaphore.make(1)

  const run = (patches: Float32Array, count: number) =>
    Effect.tryPromise({
      try: async () => {
        input.data.set(patches)
        const { embeddings } = await session.run({ patches: input })
        return (embeddings!.data as Float32Array).slice(0, count * EMBEDDING_SIZE)
      },
      catch: (cause) => new EngineError({ message: `The native engine failed: ${cause}` })
    })

  return Engine.of({
    name: "native",
    adapter: `${cpus()[0]?.model.trim() ?? "processor"}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    why: options.why,
    batch: BATCH,
    faults: Effect.succeed([]),
    embed: Effect.fnUntraced(
      function* (patches) {
        const count = yield* countPatches(patches, BATCH)
        return yield* run(patches, count)
      },
      Effect.uninterruptible,
      turn.withPermit
    )
  })
})
