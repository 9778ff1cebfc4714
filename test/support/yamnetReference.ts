import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import * as tf from "@tensorflow/tfjs"
import { loadGraphModel } from "@tensorflow/tfjs-converter"
import { Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { type Mobilenet, TAPS } from "../../src/embedder/yamnet/mobilenet.ts"
import { findWeights, type WeightsError, type YamnetWeights } from "../../src/embedder/yamnet/weights.ts"
import { yamnetFolder } from "./fixtures.ts"

/** Taps that may be of use, and those that are. */
export const ALL_TAPS = [...new Set([...TAPS, 5, 8, 11])]

const readModel = async (path: string): Promise<tf.io.ModelArtifacts> => {
  const model: tf.io.ModelJSON = await Bun.file(join(path, "model.json")).json()
  const shards = model.weightsManifest.flatMap((group) => group.paths)
  const weights = await Promise.all(shards.map((shard) => Bun.file(join(path, shard)).bytes()))
  return tf.io.getModelArtifactsForJSON(model, async () => [
    model.weightsManifest.flatMap((group) => group.weights),
    tf.io.CompositeArrayBuffer.join(weights.map((shard) => shard.buffer as ArrayBuffer))
  ])
}

/** YAMNet where its weights are at hand, else the untrained network. */
export const someWeights: Effect.Effect<YamnetWeights, WeightsError> = findWeights({
  folder: yamnetFolder ?? join(import.meta.dir, "nothing"),
  addresses: [],
  allowUntrained: true
}).pipe(Effect.provide([NodeServices.layer, FetchHttpClient.layer]))

/** The one float32 constant of this shape in the model. */
export const readConstant = async (path: string, shape: ReadonlyArray<number>): Promise<Float32Array> => {
  const { weightSpecs, weightData } = await readModel(path)
  const specs = weightSpecs ?? []
  const size = (extents: ReadonlyArray<number>) => extents.reduce((product, extent) => product * extent, 4)
  const index = specs.findIndex((spec) => `${spec.shape}` === `${shape}`)
  const start = specs.slice(0, index).reduce((at, spec) => at + size(spec.shape), 0)
  return new Float32Array(tf.io.CompositeArrayBuffer.join(weightData).slice(start, start + size(shape)))
}

const meanOfPlaces = (features: tf.Tensor): tf.Tensor2D => tf.mean(features, [1, 2])
const loudest = (features: tf.Tensor): tf.Tensor2D => tf.max(tf.mean(features, 2), 1)

/**
 * Runs YAMNet's own graph, front-end included, by TensorFlow.js in plain JavaScript: 0.4 s a patch. Its rows are the
 * embeddings and, of each tap, the highest of the means over frequency of that layer's activations.
 */
export const runReference = async (path: string, waveform: Float32Array, taps: ReadonlyArray<number>) => {
  await tf.setBackend("cpu")
  const artifacts = await readModel(path)
  const { node } = artifacts.modelTopology as { readonly node: ReadonlyArray<{ readonly name: string }> }
  const model = await loadGraphModel({ load: async () => artifacts })
  const input = tf.tensor1d(waveform)
  const [, embeddings, logMel] = model.predict(input) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor]
  const nodes = taps.map(
    (layer) => node.find(({ name }) => name.endsWith(`/layer${layer}/pointwise_conv/relu/Relu`))!.name
  )
  const tapped = nodes.length === 0 ? [] : [model.execute(input, nodes)].flat()
  return {
    rows: (await tf.concat([embeddings, ...tapped.map(loudest)], 1).data()) as Float32Array,
    logMel: (await logMel.data()) as Float32Array
  }
}

/** A second opinion on any weights: the network in TensorFlow.js's operators, on patches [n, 96, 64], to rows. */
export const runOperators = async (
  network: Mobilenet,
  patches: Float32Array,
  taps: ReadonlyArray<number>
): Promise<Float32Array> => {
  await tf.setBackend("cpu")
  const rows = tf.tidy(() => {
    let features: tf.Tensor4D = tf.tensor4d(patches, [patches.length / (96 * 64), 96, 64, 1])
    const { kernel, shape, bias } = network.stem
    features = tf.relu(tf.add(tf.conv2d(features, tf.tensor4d(kernel, [...shape]), 2, "same"), bias))
    const layers: Array<tf.Tensor4D> = []
    for (const { depthwise, pointwise, stride } of network.separable) {
      const spread = tf.depthwiseConv2d(features, tf.tensor4d(depthwise.kernel, [...depthwise.shape]), stride, "same")
      const active = tf.relu<tf.Tensor4D>(tf.add(spread, depthwise.bias))
      const mixed = tf.conv2d(active, tf.tensor4d(pointwise.kernel, [...pointwise.shape]), 1, "same")
      features = tf.relu(tf.add(mixed, pointwise.bias))
      layers.push(features)
    }
    return tf.concat([meanOfPlaces(features), ...taps.map((layer) => loudest(layers[layer - 2]!))], 1)
  })
  return (await rows.data()) as Float32Array
}

/** How far two sets of values are apart: at most anywhere, and as a whole (relative L2). */
export const distance = (values: Float32Array, expected: Float32Array) => {
  let largest = 0
  let apart = 0
  let whole = 0
  for (let i = 0; i < expected.length; i++) {
    const difference = values[i]! - expected[i]!
    largest = Math.max(largest, Math.abs(difference))
    apart += difference ** 2
    whole += expected[i]! ** 2
  }
  return { largest, relative: Math.sqrt(apart / whole) }
}
