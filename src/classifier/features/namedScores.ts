import type { ScoreLayer } from "../../embedder/embedder.ts"
import type { Graph } from "../../embedder/onnx/graph.ts"
import { concatenate, fullyConnect, outputsFirst } from "../../embedder/tflite/operators.ts"
import type { EmbedderLayers, FeatureKind, Features } from "./features.ts"
import { addCodedProduct, scores } from "./scores.ts"
import { soundsOf } from "./soundsOf.ts"
import { addRange } from "./tap.ts"

/** A logit at which YAMNet is sure that there is none of a sound; how much lower it is says nothing. */
const FLOOR = -12
/** Brings the logits, 0 to some 20 above the floor, near the scores' scale, so that decay holds them as it does those. */
const SCALE = 0.1

/**
 * YAMNet's scores of AudioSet's classes, and one number more for each class whose name says what it sounds like: how much
 * YAMNet itself hears of that in the embedding as it is, the mean of its logits above a floor. It has heard more barks and
 * shots than a store has, from more places, so a regression that begins there needs to learn but the difference.
 */
export const namedScores: FeatureKind = {
  title: "scores and named sounds",
  needs: scores.needs!,
  make: (inputs, embedder, classes) => withNamed(scores.make(inputs, embedder, classes), embedder, classes),
  // Changed where callers standardise clips, it is no head for the `.keras` file, so a search draws none.
  drawn: { weight: 0, decay: [0.001, 0.1], smallestDeviation: [null] }
}

const withNamed = (plain: Features, { scores: layer }: EmbedderLayers, classes: ReadonlyArray<string>): Features => {
  const named = classes.flatMap((name, label) => {
    const sounds = soundsOf(name, layer!.sounds ?? {})
    return sounds.length === 0 ? [] : [{ label, sounds }]
  })
  if (named.length === 0) return plain
  const sounds = named.flatMap((own) => own.sounds)
  const { kernel, bias } = pickColumns(layer!, sounds)
  const shares = meansOf(named.map((own) => own.sounds.length))
  const [inputs, width] = [plain.inputs, plain.width + named.length]

  const addMeans = (graph: Graph, own: string, aboveFloor: string) => {
    const means = graph.op("MatMul", [
      graph.op("Relu", [aboveFloor]),
      graph.floats(shares, [sounds.length, named.length])
    ])
    return graph.op("Concat", [own, means], { axis: 1 })
  }
  return {
    inputs,
    width,
    layers: plain.layers,
    of: (vector) => {
      const features = new Float32Array(width)
      features.set(plain.of(vector))
      const logits = logitsOf(vector, kernel, bias)
      for (let sound = 0, at = 0; sound < sounds.length; sound++) {
        for (let own = 0; own < named.length; own++, at++) {
          features[plain.width + own]! += Math.max(0, logits[sound]!) * shares[at]!
        }
      }
      return features
    },
    priorKernel: (weight) => {
      const prior = new Float32Array(width * classes.length)
      for (const [own, { label }] of named.entries()) {
        prior[(plain.width + own) * classes.length + label] = weight / SCALE
      }
      return prior
    },
    addTo: (graph, vectors) => {
      const constants = [graph.floats(kernel, [inputs, sounds.length]), graph.floats(bias, [sounds.length])]
      return addMeans(graph, plain.addTo(graph, vectors), graph.op("Gemm", [vectors, ...constants]))
    },
    addCodedTo: (graph, codes, ranges) => {
      const { low, step } = addRange(graph, ranges())
      const product = addCodedProduct(graph, codes, kernel, sounds.length)
      const lowest = graph.op("MatMul", [low, graph.floats(sumOfRows(kernel, sounds.length), [1, sounds.length])])
      const varied = graph.op("Add", [graph.op("Mul", [product, step]), lowest])
      const logits = graph.op("Add", [varied, graph.floats(bias, [sounds.length])])
      return addMeans(graph, plain.addCodedTo!(graph, codes, ranges), logits)
    },
    addToTflite: (graph, vectors) => {
      const weights = graph.floats(outputsFirst(kernel, sounds.length), [sounds.length, inputs])
      const aboveFloor = fullyConnect(graph, vectors, weights, graph.floats(bias, [sounds.length]), 1)
      const turned = graph.floats(outputsFirst(shares, named.length), [named.length, sounds.length])
      const none = graph.floats(new Float32Array(named.length), [named.length])
      const means = fullyConnect(graph, aboveFloor, turned, none)
      return concatenate(graph, [plain.addToTflite(graph, vectors), means], 1)
    },
    kerasLayers: []
  }
}

/** The last layer's columns of some classes, and their biases above the floor. */
const pickColumns = ({ kernel, bias }: ScoreLayer, classes: ReadonlyArray<number>) => {
  const inputs = kernel.length / bias.length
  const picked = new Float32Array(inputs * classes.length)
  for (let row = 0, at = 0; row < inputs; row++) {
    for (const column of classes) picked[at++] = kernel[row * bias.length + column]!
  }
  return { kernel: picked, bias: Float32Array.from(classes, (column) => bias[column]! - FLOOR) }
}

/** A kernel [sounds, classes] that gives each class the scaled mean of its own sounds, which follow one another. */
const meansOf = (counts: ReadonlyArray<number>): Float32Array => {
  const rows = counts.flatMap((count, own) =>
    Array.from({ length: count }, () => counts.map((_, other) => (other === own ? SCALE / count : 0)))
  )
  return Float32Array.from(rows.flat())
}

const logitsOf = (vector: Float32Array, kernel: Float32Array, bias: Float32Array): Float64Array => {
  const logits = new Float64Array(bias)
  for (let feature = 0; feature < vector.length; feature++) {
    const value = vector[feature]!
    if (value === 0) continue
    for (let sound = 0, at = feature * bias.length; sound < bias.length; sound++, at++) {
      logits[sound]! += value * kernel[at]!
    }
  }
  return logits
}

const sumOfRows = (kernel: Float32Array, width: number): Float32Array => {
  const sums = new Float32Array(width)
  for (let at = 0; at < kernel.length; at++) sums[at % width]! += kernel[at]!
  return sums
}
