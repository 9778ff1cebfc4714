import type { Graph } from "../onnx/graph.ts"
import { type Mobilenet, TAPS } from "./mobilenet.ts"
import { addConvolution } from "./networkGraph.ts"
import type { IntegerConvolution, QuantisedMobilenet } from "./quantise.ts"

const integerConvolution =
  (graph: Graph) => (features: string, scale: number, layer: IntegerConvolution, stride: 1 | 2) => {
    const [height, width, input, output] = layer.shape
    const depthwise = output === 1
    const outputs = layer.bias.length
    const zero = graph.bytes(Uint8Array.of(0), [])
    return graph.op(
      "QLinearConv",
      [
        features,
        graph.scalar(scale),
        zero,
        graph.bytes(layer.kernel, [outputs, depthwise ? 1 : input, height, width]),
        graph.floats(layer.scales, [outputs]),
        graph.bytes(new Int8Array(outputs), [outputs]),
        graph.scalar(layer.scale),
        zero,
        graph.words(layer.bias)
      ],
      { auto_pad: "SAME_UPPER", group: depthwise ? input : 1, strides: [stride, stride] }
    )
  }

/**
 * Adds YAMNet in eight bits from log-mel patches [n, 96, 64] to rows, as `addNetwork` does in float32.
 *
 * A ReLU is what the smallest uint8, 0, makes of a negative sum. Pools see channels last, as onnxruntime's integer
 * convolutions do: turned by hand here, they are not turned back and forth there.
 */
export const addQuantised = (
  graph: Graph,
  patches: string,
  { separable }: Pick<Mobilenet, "separable">,
  { first, scale, rest, divisors }: QuantisedMobilenet,
  taps: ReadonlyArray<number> = TAPS
): string => {
  const strides = [2, ...separable.flatMap(({ stride }) => [stride, 1])] as ReadonlyArray<1 | 2>
  const toFloats = (features: string, scale: number) => {
    const last = graph.op("Transpose", [features], { perm: [0, 2, 3, 1] })
    return graph.op("DequantizeLinear", [last, graph.scalar(scale), graph.bytes(Uint8Array.of(0), [])])
  }
  const undivided = (vector: string, layer: number) =>
    graph.op("Mul", [vector, graph.floats(divisors[layer]!, [divisors[layer]!.length])])

  let floats = graph.op("Unsqueeze", [patches, graph.integers([1])])
  for (const [at, layer] of first.entries()) floats = addConvolution(graph, floats, layer, strides[at]!, at > 0)
  let [features, last] = [
    graph.op("QuantizeLinear", [floats, graph.scalar(scale), graph.bytes(Uint8Array.of(0), [])]),
    scale
  ]
  const add = integerConvolution(graph)
  const tapped = new Map<number, string>()
  for (const [index, layer] of rest.entries()) {
    const at = first.length + index
    features = add(features, last, layer, strides[at]!)
    last = layer.scale
    // Layers are numbered from the stem, which is 1, and each further one has two convolutions.
    if (at % 2 === 0 && taps.includes(at / 2 + 1)) {
      const means = graph.op("ReduceMean", [toFloats(features, last)], { axes: [2], keepdims: 0 })
      tapped.set(at / 2 + 1, undivided(graph.op("ReduceMax", [means], { axes: [1], keepdims: 0 }), at))
    }
  }
  const embedding = graph.op("ReduceMean", [toFloats(features, last)], { axes: [1, 2], keepdims: 0 })
  const vectors = [undivided(embedding, divisors.length - 1), ...taps.map((layer) => tapped.get(layer)!)]
  return vectors.length === 1 ? vectors[0]! : graph.op("Concat", vectors, { axis: 1 })
}
