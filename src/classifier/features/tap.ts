import { ElementType, type Graph } from "../../embedder/onnx/graph.ts"
import { embedding } from "./embedding.ts"
import type { FeatureKind } from "./features.ts"

/**
 * An earlier layer's activations where they are highest in each patch, as means over a clip, standardised. The last layer
 * has learnt to tell AudioSet's classes apart and to forget the rest; which of it a store's own classes differ in, earlier
 * ones still know.
 *
 * @param layer By YAMNet's own number: its vector must be among the embedder's, as `layer8max`.
 */
export const tap = (layer: number): FeatureKind => ({
  title: `activations of layer ${layer}`,
  vector: `layer${layer}max`,
  needs: { of: ({ vectors }) => vectors?.[`layer${layer}max`], name: `the activations of YAMNet's layer ${layer}` },
  make: embedding.make,
  // By itself it is no head for the `.keras` file, so a search draws none.
  drawn: { weight: 0, decay: [0.001, 0.1], smallestDeviation: [null] }
})

/**
 * The same activations as they are, for windows of sound that has been brought to a nominal level: there, how strong they
 * are tells something, too.
 */
export const plainTap = (layer: number): FeatureKind => ({
  ...tap(layer),
  title: `activations of layer ${layer} as they are`,
  make: (inputs) => ({
    inputs,
    width: inputs,
    layers: [],
    of: (vector) => vector,
    addTo: (_, vectors) => vectors,
    addCodedTo: (graph, codes, ranges) => {
      const { low, step } = addRange(graph, ranges())
      return graph.op("Add", [graph.op("Mul", [graph.op("Cast", [codes], { to: ElementType.float32 }), step]), low])
    },
    addToTflite: (_, vectors) => vectors,
    kerasLayers: []
  })
})

/** Of vectors' ranges [n, 2] the least values [n, 1], and what a step of their codes is worth [n, 1]. */
export const addRange = (graph: Graph, ranges: string) => {
  const column = (at: number) => graph.op("Slice", [ranges, ...[at, at + 1, 1].map((bound) => graph.integers([bound]))])
  return { low: column(0), step: column(1) }
}
