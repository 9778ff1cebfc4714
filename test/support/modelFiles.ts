import { File, Group, ready } from "h5wasm"
import { LAYERS, layersOf, type Mobilenet } from "../../src/embedder/yamnet/mobilenet.ts"
import { noise } from "./signals.ts"

/** The files of a TensorFlow.js model folder, by name. */
export type ModelFiles = Map<string, Uint8Array>

const SHARD = 4 * 1024 * 1024

const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

/** Writes a network as TensorFlow.js' converter does: offsets beside kernels, other constants between, 4 MB shards. */
export const toTfjs = (network: Mobilenet, prefix: string): ModelFiles => {
  const layers = layersOf(network)
  const weights = LAYERS.flatMap(({ path, shape }, index) => [
    { name: `${prefix}${path}/Conv2D_weights`, shape, dtype: "float32", values: layers[index]!.kernel },
    { name: `${prefix}${path}/axis`, shape: [], dtype: "int32", values: new Float32Array(1) },
    {
      name: `${prefix}${path}/Conv2D_bn_offset`,
      shape: [layers[index]!.bias.length],
      dtype: "float32",
      values: layers[index]!.bias
    }
  ])
  const { scores } = network
  if (scores !== undefined) {
    weights.push(
      { name: "input/_422", shape: [1024, 521], dtype: "float32", values: scores.kernel },
      { name: "input/_423", shape: [521], dtype: "float32", values: scores.bias }
    )
  }
  const whole = Buffer.concat(weights.map(({ values }) => bytesOf(values)))
  const count = Math.ceil(whole.length / SHARD)
  const paths = Array.from({ length: count }, (_, index) => `group1-shard${index + 1}of${count}.bin`)
  const manifest = weights.map(({ name, shape, dtype }) => ({ name, shape, dtype }))
  const model = { format: "graph-model", modelTopology: {}, weightsManifest: [{ paths, weights: manifest }] }
  return new Map([
    ["model.json", new TextEncoder().encode(JSON.stringify(model))],
    ...paths.map((path, index) => [path, new Uint8Array(whole.subarray(index * SHARD, (index + 1) * SHARD))] as const)
  ])
}

/** One weight of a Keras file, as Keras nests it. */
export interface KerasWeight {
  readonly path: string
  readonly shape: ReadonlyArray<number>
  readonly values: Float32Array
}

/** Unfolds a network into YAMNet's layers and batch normalisations with drawn statistics. */
export const unfold = (network: Mobilenet): Array<KerasWeight> => {
  const random = noise(1)
  return layersOf(network).flatMap(({ kernel, bias, shape }, index) => {
    const { path } = LAYERS[index]!
    const each = [bias.length]
    const mean = bias.map(() => random())
    const variance = bias.map(() => 1.2 + random())
    const deviation = Float64Array.from(variance, (value) => Math.sqrt(value + 1e-4))
    const kernelName = path.endsWith("depthwise_conv") ? "depthwise_kernel" : "kernel"
    const unscaled = kernel.map((weight, at) => weight * deviation[at % deviation.length]!)
    const beta = bias.map((value, channel) => value + mean[channel]! / deviation[channel]!)
    return [
      { path: `${path}/${path}/${kernelName}:0`, shape, values: unscaled },
      { path: `${path}/bn/${path}/bn/beta:0`, shape: each, values: beta },
      { path: `${path}/bn/${path}/bn/moving_mean:0`, shape: each, values: mean },
      { path: `${path}/bn/${path}/bn/moving_variance:0`, shape: each, values: variance }
    ]
  })
}

/** Writes weights as Keras 2 does (layout compared with a file of Keras' own: the same 110 paths, shapes and types). */
export const toKeras = async (weights: ReadonlyArray<KerasWeight>): Promise<Uint8Array> => {
  const { FS } = await ready
  const file = new File("written.h5", "w")
  for (const { path, shape, values } of weights) {
    const parts = path.split("/")
    let group: Group = file
    for (const part of parts.slice(0, -1)) {
      const inner = group.keys().includes(part) ? group.get(part) : group.create_group(part)
      if (!(inner instanceof Group)) throw new Error(`${part} is not a group`)
      group = inner
    }
    group.create_dataset({ name: parts.at(-1)!, data: values, shape: [...shape] })
  }
  file.close()
  const bytes = FS.readFile("written.h5")
  FS.unlink("written.h5")
  return bytes
}
