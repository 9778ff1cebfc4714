import { availableParallelism, cpus } from "node:os"
import { Effect, Semaphore } from "effect"
import { counted } from "../../config/inWords.ts"
import type { Backbone } from "../embedder.ts"
import { countPatches, Engine } from "../engine.ts"
import { rowSize } from "../frontEnd.ts"
import { type NetworkModel, openNetwork, patchFloats } from "./network.ts"

// onnxruntime holds the JavaScript thread while it runs; 32 patches hold it for about 35 ms on two cores, after which
// fetching and the workers get their turn. Larger batches are no faster.
const BATCH = 32

export interface NativeOptions {
  readonly backbone: Backbone
  readonly why: string
  /** Threads that a batch is spread over; all cores unless said. */
  readonly threads?: number
}

/** What the processor's engines run of an embedder. */
export const networkOf = ({ frontEnd, patchShape, model, batch = BATCH }: Backbone, threads: number): NetworkModel => ({
  model: model(batch),
  batch,
  patchShape,
  vectors: frontEnd.vectors,
  threads
})

/** This machine's processor, in words. */
export const processor = (): string => cpus()[0]?.model.trim() ?? "processor"

/** An embedder's network on this machine's processor, by onnxruntime in this process. */
export const makeNative = Effect.fn("makeNative")(function* (options: NativeOptions) {
  const { backbone, why, threads = availableParallelism() } = options
  const { frontEnd } = backbone
  const network = networkOf(backbone, threads)
  const { batch } = network
  const size = rowSize(frontEnd)
  const run = yield* openNetwork(network)
  // The shape is fixed, so one buffer serves every batch; the patches of an earlier one stay behind a shorter one's.
  const input = new Float32Array(patchFloats(network))
  const turn = yield* Semaphore.make(1)
  return Engine.of({
    name: "native",
    adapter: `${processor()}, ${counted(threads, "thread")}`,
    why,
    frontEnd,
    batch,
    atOnce: 2,
    faults: Effect.succeed([]),
    embed: Effect.fnUntraced(
      function* (patches) {
        const count = yield* countPatches(patches, frontEnd, batch)
        input.set(patches)
        return (yield* run(input, count)).slice(0, count * size)
      },
      Effect.uninterruptible,
      turn.withPermit
    )
  })
})
