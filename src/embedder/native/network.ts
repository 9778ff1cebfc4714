import { Effect, Schema } from "effect"
import { EngineError } from "../engine.ts"
import { rowSize } from "../frontEnd.ts"
import { loadOnnxruntime } from "../onnx/runtime.ts"
import { openSession } from "../onnx/session.ts"

/** A network as data, so that another process can run it. */
export const NetworkModel = Schema.Struct({
  /** An ONNX model (see `Backbone.model`), and how many patches it takes at once. */
  model: Schema.Uint8Array,
  batch: Schema.Int,
  /** The extents of a patch. */
  patchShape: Schema.Array(Schema.Int),
  /** Floats of each vector of a row, by name. */
  vectors: Schema.Record(Schema.String, Schema.Int),
  /** Threads that a batch is spread over. */
  threads: Schema.Int
})
export type NetworkModel = typeof NetworkModel.Type

/** Floats of a batch of patches. */
export const patchFloats = ({ batch, patchShape }: Pick<NetworkModel, "batch" | "patchShape">): number =>
  patchShape.reduce((product, extent) => product * extent, batch)

/**
 * A network in onnxruntime, open as long as the scope: from `patches` [batch * patchSize], which it reads where they lie, to
 * rows [batch * rowSize]. It holds the JavaScript thread while it runs.
 */
export const openNetwork = Effect.fn("openNetwork")(function* (network: NetworkModel) {
  const { model, batch, patchShape, vectors, threads } = network
  const { Tensor } = yield* Effect.tryPromise({
    try: loadOnnxruntime,
    catch: (cause) => new EngineError({ message: `The native engine cannot be loaded on this machine: ${cause}` })
  })
  const session = yield* openSession(
    model,
    threads,
    (cause) => new EngineError({ message: `The native engine cannot start: ${cause}` })
  )
  const inputName = session.inputNames[0]!
  const sizes = Object.entries(vectors)
  const areRows = session.outputNames.includes("rows") && !("rows" in vectors)

  return (patches: Float32Array, count: number) =>
    Effect.tryPromise({
      try: async () => {
        const outputs = await session.run({ [inputName]: new Tensor("float32", patches, [batch, ...patchShape]) })
        if (areRows) return (outputs.rows!.data as Float32Array).subarray(0, count * rowSize(network))
        return asRows(
          sizes.map(([name, own]) => ({ size: own, values: outputs[name]!.data as Float32Array })),
          count
        )
      },
      catch: (cause) => new EngineError({ message: `The native engine failed: ${cause}` })
    })
})

/** The vectors of so many patches, each kind of them [n * size], as rows. */
const asRows = (
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
