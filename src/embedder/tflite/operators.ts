import type { Table } from "./flat.ts"
import type { Operator, TfliteGraph } from "./graph.ts"
import type { Quantization, Tensor } from "./tensor.ts"

// Operators with the shapes of what they give. Padding: SAME 0, VALID 1; activation: none 0, ReLU 1.

const SAME = { byte: 0 }
const VALID = { byte: 1 }
const RELU = { byte: 1 }
const EVERY_PLACE = { int: 1 }

/** What an operation gives where it computes in whole numbers. */
const like = (quantization: Quantization | undefined) =>
  quantization === undefined ? {} : ({ type: "int8", quantization } as const)

/** A convolution, its kernel [output, height, width, input], padded so that strides alone make it smaller, and a ReLU. */
export const convolve = (
  graph: TfliteGraph,
  x: Tensor,
  kernel: Tensor,
  bias: Tensor,
  stride: number,
  quantization?: Quantization
): Tensor => {
  const options: Table = { 0: SAME, 1: { int: stride }, 2: { int: stride }, 3: RELU, 4: EVERY_PLACE, 5: EVERY_PLACE }
  return graph.op("CONV_2D", [x, kernel, bias], strided(x, stride, kernel.shape[0]!), options, like(quantization))
}

/** The same channel by channel, its kernel [1, height, width, channels]. */
export const convolveDepthwise = (
  graph: TfliteGraph,
  x: Tensor,
  kernel: Tensor,
  bias: Tensor,
  stride: number,
  quantization?: Quantization
): Tensor => {
  const options: Table = {
    0: SAME,
    1: { int: stride },
    2: { int: stride },
    3: { int: 1 },
    4: RELU,
    5: EVERY_PLACE,
    6: EVERY_PLACE
  }
  return graph.op(
    "DEPTHWISE_CONV_2D",
    [x, kernel, bias],
    strided(x, stride, kernel.shape[3]!),
    options,
    like(quantization)
  )
}

const strided = ({ shape: [count, height, width] }: Tensor, stride: number, channels: number) => [
  count!,
  Math.ceil(height! / stride),
  Math.ceil(width! / stride),
  channels
]

/** Kernels [output, 1, length, 1] along a signal [1, 1, samples, 1], every `hop` samples, without padding. */
export const slide = (graph: TfliteGraph, x: Tensor, kernels: Tensor, bias: Tensor, hop: number): Tensor => {
  const places = 1 + Math.floor((x.shape[2]! - kernels.shape[2]!) / hop)
  const options: Table = { 0: VALID, 1: { int: hop }, 2: EVERY_PLACE, 4: EVERY_PLACE, 5: EVERY_PLACE }
  return graph.op("CONV_2D", [x, kernels, bias], [1, 1, places, kernels.shape[0]!], options)
}

/** The mean, or the highest, over windows [height, width] that lie side by side. */
export const pool = (
  graph: TfliteGraph,
  operator: "AVERAGE_POOL_2D" | "MAX_POOL_2D",
  x: Tensor,
  [height, width]: readonly [number, number]
): Tensor => {
  const [count, rows, columns, channels] = x.shape
  const options: Table = { 0: VALID, 1: { int: width }, 2: { int: height }, 3: { int: width }, 4: { int: height } }
  return graph.op(operator, [x], [count!, rows! / height, columns! / width, channels!], options)
}

/** Vectors [n, inputs] to [n, outputs], by weights [outputs, inputs]. */
export const fullyConnect = (
  graph: TfliteGraph,
  x: Tensor,
  weights: Tensor,
  bias: Tensor,
  activation: 0 | 1 = 0
): Tensor =>
  graph.op("FULLY_CONNECTED", [x, weights, bias], [x.shape[0]!, weights.shape[0]!], { 0: { byte: activation } })

/** Value by value; extents of 1 are repeated. */
export const combine = (graph: TfliteGraph, operator: "ADD" | "SUB" | "MUL" | "DIV", a: Tensor, b: Tensor): Tensor => {
  const [longer, shorter] = a.shape.length >= b.shape.length ? [a.shape, b.shape] : [b.shape, a.shape]
  const from = longer.length - shorter.length
  return graph.op(
    operator,
    [a, b],
    longer.map((extent, at) => (at < from ? extent : Math.max(extent, shorter[at - from]!)))
  )
}

/** Value by value, of one tensor. */
export const map = (graph: TfliteGraph, operator: "LOG" | "SQRT" | "LOGISTIC", x: Tensor): Tensor =>
  graph.op(operator, [x], x.shape)

/** Over one axis, whose extent becomes 1. */
export const reduce = (
  graph: TfliteGraph,
  operator: Extract<Operator, "MEAN" | "SUM" | "REDUCE_MIN">,
  x: Tensor,
  axis: number
): Tensor =>
  graph.op(
    operator,
    [x, graph.integers([axis])],
    x.shape.map((extent, at) => (at === axis ? 1 : extent)),
    { 0: { byte: 1 } }
  )

/** The same values in another shape; the extent at `any` follows from the others when the file is run. */
export const reshape = (graph: TfliteGraph, x: Tensor, shape: ReadonlyArray<number>, any: number): Tensor => {
  const wanted = shape.map((extent, at) => (at === any ? -1 : extent))
  return graph.op("RESHAPE", [x, graph.integers(wanted)], shape, { 0: Int32Array.from(wanted) })
}

/** All but so many of the first and of the last along the first axis, in steps of one. */
export const trim = (graph: TfliteGraph, x: Tensor, first: number, last: number): Tensor => {
  const rest = x.shape.slice(1)
  const others = rest.map(() => 0)
  const bounds = [
    [first, ...others],
    [-last, ...others],
    [1, ...rest.map(() => 1)]
  ]
  const inner = rest.reduce((mask, _, at) => mask | (2 << at), 0)
  const options: Table = { 0: { int: inner }, 1: { int: inner | (last === 0 ? 1 : 0) } }
  return graph.op(
    "STRIDED_SLICE",
    [x, ...bounds.map((each) => graph.integers(each))],
    [x.shape[0]! - first - last, ...rest],
    options
  )
}

/** Side by side along an axis. */
export const concatenate = (graph: TfliteGraph, parts: ReadonlyArray<Tensor>, axis: number): Tensor => {
  if (parts.length === 1) return parts[0]!
  const extent = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0)
  return graph.op(
    "CONCATENATION",
    parts,
    parts[0]!.shape.map((own, at) => (at === axis ? extent : own)),
    { 0: { int: axis } }
  )
}

/** A kernel [..., inputs, outputs] as TensorFlow Lite wants it: outputs first. */
export const outputsFirst = <A extends Float32Array | Int8Array>(kernel: A, outputs: number): A => {
  const turned = kernel.slice() as A
  const inputs = kernel.length / outputs
  // In tiles, which stay in the processor's cache: every run turns millions of weights.
  for (let row = 0; row < inputs; row += TILE) {
    const lastRow = Math.min(inputs, row + TILE)
    for (let column = 0; column < outputs; column += TILE) {
      const lastColumn = Math.min(outputs, column + TILE)
      for (let o = column; o < lastColumn; o++) {
        for (let i = row; i < lastRow; i++) turned[o * inputs + i] = kernel[i * outputs + o]!
      }
    }
  }
  return turned
}

const TILE = 32
