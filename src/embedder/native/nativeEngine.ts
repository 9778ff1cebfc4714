import { availableParallelism, cpus } from "node:os"
import { Effect, Semaphore } from "effect"
import type { Backbone } from "../embedder.ts"
import { countPatches, Engine, EngineError } from "../engine.ts"
import { rowSize } from "../frontEnd.ts"
import { loadOnnxruntime } from "../onnx/runtime.ts"
import { openSession } from "../onnx/session.ts"

// onnxruntime holds the JavaScript thread while it runs; 32 patches hold it for about 35 ms on two cores, after which
// fetching and the workers get their turn. Larger batches are no faster.
const BATCH = 32

/** An embedder's network on this machine's processor, by onnxruntime. */
export const makeNative = Effect.fn("makeNative")(function* (options: {
  readonly backbone: Backbone
  readonly why: string
  /** Threads that a batch is spread over; all cores unless said. */
  readonly threads?: number
}) {
  const { backbone, why, threads = availableParallelism() } = options
  const { frontEnd, patchShape, batch = BATCH } = backbone
  const size = rowSize(frontEnd)
  const { Tensor } = yield* Effect.tryPromise({
    try: loadOnnxruntime,
    catch: (cause) => new EngineError({ message: `The native engine cannot be loaded on this machine: ${cause}` })
  })
  const session = yield* openSession(
    backbone.model(batch),
    threads,
    (cause) => new EngineError({ message: `The native engine cannot start: ${cause}` })
  )
  // The shape is fixed, so one buffer serves every batch; the patches of an earlier one stay behind a shorter one's.
  const input = new Tensor("float32", new Float32Array(batch * frontEnd.patchSize), [batch, ...patchShape])
  const inputName = session.inputNames[0]!
  const sizes = Object.entries(frontEnd.vectors)
  const areRows = session.outputNames.includes("rows") && !("rows" in frontEnd.vectors)
  const turn = yield* Semaphore.make(1)

  const run = (patches: Float32Array, count: number) =>
    Effect.tryPromise({
      try: async () => {
        input.data.set(patches)
        const outputs = await session.run({ [inputName]: input })
        if (areRows) return (outputs.rows!.data as Float32Array).slice(0, count * size)
        return sideBySide(
          sizes.map(([name, own]) => ({ size: own, values: outputs[name]!.data as Float32Array })),
          count
        )
      },
      catch: (cause) => new EngineError({ message: `The native engine failed: ${cause}` })
    })

  return Engine.of({
    name: "native",
    adapter: `${cpus()[0]?.model.trim() ?? "processor"}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    why,
    frontEnd,
    batch,
    faults: Effect.succeed([]),
    embed: Effect.fnUntraced(
      function* (patches) {
        const count = yield* countPatches(patches, frontEnd, batch)
        return yield* run(patches, count)
      },
      Effect.uninterruptible,
      turn.withPermit
    )
  })
})

/** The vectors of so many patches, each kind of them [n * size], as rows. */
const sideBySide = (
  vectors: ReadonlyArray<{ readonly size: number; readonly values: Float32Array }>,
  count: number
): Float32Array => {
  const width = vectors.reduce((sum, { size }) => sum + size, 0)
  const rows = new Float32Array(count * width)
  let place = 0
  for (const { size, values } of vectors) {
    for (let at = 0; at < count; at++) rows.set(values.subarray(at * size, (at + 1) * size), at * width + place)
    place += size
  }
  return rows
}
