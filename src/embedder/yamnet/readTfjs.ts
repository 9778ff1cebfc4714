import { Effect, Schema } from "effect"
import type { Convolution, Shape } from "../convolution.ts"
import { channels, LAYERS, type Mobilenet, pickScores, toNetwork, UnusableWeights } from "./mobilenet.ts"

// A model.json comes from the network and names files to fetch and keep: plain names only.
const FileName = Schema.String.check(Schema.isPattern(/^\w[\w.-]*$/))

const Extent = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const Entry = Schema.Struct({
  name: Schema.String,
  shape: Schema.Array(Extent),
  dtype: Schema.Literals(["float32", "int32", "bool"]),
  quantization: Schema.optional(Schema.Never)
})

const Model = Schema.fromJsonString(
  Schema.Struct({
    weightsManifest: Schema.Array(Schema.Struct({ paths: Schema.Array(FileName), weights: Schema.Array(Entry) }))
  })
)

const decodeModel = Schema.decodeUnknownEffect(Model)

interface Weight {
  readonly shape: ReadonlyArray<number>
  readonly values: Float32Array
}

const bytesOf = ({ shape, dtype }: typeof Entry.Type): number =>
  shape.reduce((size, extent) => size * extent, dtype === "bool" ? 1 : 4)

const join = (parts: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const sameShape = (shape: ReadonlyArray<number>, other: ReadonlyArray<number>): boolean =>
  shape.length === other.length && shape.every((extent, axis) => extent === other[axis])

// Conversions name their nodes differently, but all keep the layer's path as a part; a folded batch normalisation
// leaves one kernel and one offset there.
const pickLayer = (
  weights: ReadonlyMap<string, Weight>,
  { path, shape }: { readonly path: string; readonly shape: Shape }
): Effect.Effect<Convolution, UnusableWeights> => {
  const inLayer = [...weights].filter(([name]) => `/${name}`.includes(`/${path}/`)).map(([, weight]) => weight)
  const kernels = inLayer.filter((weight) => weight.shape.length === 4)
  const biases = inLayer.filter((weight) => weight.shape.length === 1)
  const [kernel] = kernels
  const [bias] = biases
  if (kernel === undefined || bias === undefined || kernels.length + biases.length !== 2) {
    const found = `${kernels.length} kernel(s) and ${biases.length} offset(s)`
    return Effect.fail(
      new UnusableWeights({ message: `has ${found} for ${path}, not one of each (batch normalisation must be folded)` })
    )
  }
  if (!sameShape(kernel.shape, shape) || !sameShape(bias.shape, [channels(shape)])) {
    const found = `[${kernel.shape}] and [${bias.shape}]`
    return Effect.fail(
      new UnusableWeights({ message: `has ${path} of shape ${found}, not [${shape}] and [${channels(shape)}]` })
    )
  }
  return Effect.succeed({ kernel: kernel.values, shape, bias: bias.values })
}

/**
 * Reads a TensorFlow.js graph model of YAMNet: its model.json, and its shards as `readShard` gets them by name.
 *
 * Fails if a layer is missing, of another shape, quantised or not whole.
 */
export const readTfjs = Effect.fn("Tfjs.read")(function* <E, R>(
  modelJson: Uint8Array,
  readShard: (name: string) => Effect.Effect<Uint8Array, E, R>
): Effect.fn.Return<Mobilenet, E | UnusableWeights, R> {
  const model = yield* decodeModel(new TextDecoder().decode(modelJson)).pipe(
    Effect.mapError(
      () =>
        new UnusableWeights({ message: "is neither a yamnet.h5 nor the model.json of a float32 TensorFlow.js model" })
    )
  )
  const weights = new Map<string, Weight>()
  for (const group of model.weightsManifest) {
    const bytes = join(yield* Effect.forEach(group.paths, readShard, { concurrency: 4 }))
    const expected = group.weights.reduce((size, entry) => size + bytesOf(entry), 0)
    if (bytes.length !== expected) {
      const message = `has ${bytes.length} bytes of weights in ${group.paths.join(", ")}, not ${expected}`
      return yield* new UnusableWeights({ message })
    }
    let at = 0
    for (const entry of group.weights) {
      const size = bytesOf(entry)
      if (entry.dtype === "float32") {
        weights.set(entry.name, { shape: entry.shape, values: new Float32Array(bytes.slice(at, at + size).buffer) })
      }
      at += size
    }
  }
  return toNetwork(yield* Effect.forEach(LAYERS, (layer) => pickLayer(weights, layer)), pickScores(weights.values()))
})
