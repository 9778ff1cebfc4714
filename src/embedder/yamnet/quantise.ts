import type { Convolution } from "../convolution.ts"
import { channels, layersOf, type Mobilenet } from "./mobilenet.ts"

/** A convolution in eight bits: integers that stand for themselves times a scale. What goes in and out is uint8 from 0. */
export interface IntegerConvolution {
  /** [output, input / group, height, width] */
  readonly kernel: Int8Array
  readonly shape: Convolution["shape"]
  /** Of the kernel, one for each output channel. */
  readonly scales: Float32Array
  /** One for each output channel, in units of that channel's scale times what goes in's. */
  readonly bias: Int32Array
  /** Of what comes out. */
  readonly scale: number
}

/** YAMNet with its first layers in float32 and the rest in eight bits. */
export interface QuantisedMobilenet {
  readonly first: ReadonlyArray<Convolution>
  /** Of what the last float32 layer gives. */
  readonly scale: number
  readonly rest: ReadonlyArray<IntegerConvolution>
  /** Of the 27 layers, what each channel that comes out is kept divided by: 1 where it is kept as it is. */
  readonly divisors: ReadonlyArray<Float32Array>
}

/** What a layer gives, measured: one of each for every channel, after the ReLU. */
export interface Measured {
  /** The largest value that is to be told apart. */
  readonly ranges: Float64Array
  /** Means of values cut at that range. */
  readonly means: Float64Array
}

/** Layers that stay float32: they cost no more there, and what the first ones lose, all others lose. */
export const FIRST_INTEGER = 2

// Numbers are rounded to eighths of an octave, so that machines whose last bits differ make the same integers.
const coarse = (value: number): number => 2 ** (Math.round(8 * Math.log2(value)) / 8)

// Of a channel's range, how much of its scale the depthwise layer's own output gets, and how much the weights after it.
const SHARE = 0.6

const largest = (values: ArrayLike<number>): number => {
  let most = 0
  for (let at = 0; at < values.length; at++) most = Math.max(most, Math.abs(values[at]!))
  return most
}

/**
 * What to divide each channel by, so that all channels of a layer fill one scale. Before a depthwise layer that is free:
 * its weights have a scale for each channel. Before a pointwise one it makes that one's weights uneven, so it is shared
 * between both (Nagel et al. 2019; Xiao et al. 2023).
 */
const equalise = (ranges: Float64Array, next: Convolution | undefined): Float32Array => {
  const most = largest(ranges)
  if (next === undefined || next.shape[3] === 1) return Float32Array.from(ranges, (range) => coarse(range / most))
  const outputs = next.shape[3]
  const weights = ranges.map((_, input) => largest(next.kernel.subarray(input * outputs, (input + 1) * outputs)))
  const heaviest = largest(weights)
  const shares = weights.map(
    (weight, at) => (ranges[at]! / most) ** SHARE * Math.max(weight / heaviest, 1e-3) ** (SHARE - 1)
  )
  const widest = largest(shares)
  return Float32Array.from(shares, (share) => coarse(share / widest))
}

/** A layer between channels that are kept divided: the same function of the divided ones. */
const rescale = (
  { kernel, bias, shape }: Convolution,
  before: Float32Array | undefined,
  after: Float32Array | undefined
) => {
  const [, , input, output] = shape
  const [factors, divisors] = [
    before ?? new Float32Array(input).fill(1),
    after ?? new Float32Array(bias.length).fill(1)
  ]
  const scaled = new Float64Array(kernel.length)
  for (let at = 0, from = 0; at < kernel.length; from = (from + 1) % input) {
    // A depthwise kernel has one output for each input.
    for (let to = output === 1 ? from : 0, end = to + output; to < end; to++, at++) {
      scaled[at] = (kernel[at]! * factors[from]!) / divisors[to]!
    }
  }
  return { kernel: scaled, bias: Float64Array.from(bias, (value, at) => value / (after?.[at] ?? 1)), shape }
}

/** Rounds a rescaled layer; `means` are of what goes in, where its bias makes good what rounding moves them by. */
const roundLayer = (
  { kernel, bias, shape }: ReturnType<typeof rescale>,
  from: number,
  to: number,
  means: Float64Array | undefined
): IntegerConvolution => {
  const [height, width, input, output] = shape
  const area = height * width
  const [outputs, inputs] = output === 1 ? [input, 1] : [output, input]
  const largests = new Float64Array(outputs)
  for (let at = 0; at < kernel.length; ) {
    for (let o = 0; o < outputs; o++, at++) largests[o] = Math.max(largests[o]!, Math.abs(kernel[at]!))
  }
  // A channel that hardly looks at what goes in has its bias to keep.
  const scales = Float32Array.from(largests, (most, o) =>
    Math.max(most / 127, Math.abs(bias[o]!) / (2 ** 30 * from), 1e-30)
  )
  const rounded = new Int8Array(kernel.length)
  const moved = new Float64Array(outputs)
  for (let row = 0; row < area * inputs; row++) {
    const [i, place] = [row % inputs, Math.floor(row / inputs)]
    const mean = means?.[i] ?? 0
    for (let o = 0; o < outputs; o++) {
      const exact = kernel[row * outputs + o]!
      // What Math.round gives, in a third of the time.
      const value = Math.floor(exact / scales[o]! + 0.5)
      rounded[(o * inputs + i) * area + place] = value
      moved[o]! += (value * scales[o]! - exact) * mean
    }
  }
  const biases = Int32Array.from(bias, (value, o) => Math.round((value - moved[o]!) / (scales[o]! * from)))
  return { kernel: rounded, shape, scales, bias: biases, scale: to }
}

/**
 * YAMNet in eight bits, weights by channel and features by layer, from what its layers give (`measured`, from layer
 * `FIRST_INTEGER - 1` on).
 *
 * Channels are evened out from each layer to the next, and the pointwise layers' biases corrected. Depthwise ones are
 * not: nine weights with a scale of their own are moved little, and means say nothing of borders.
 */
export const quantise = (network: Mobilenet, measured: ReadonlyMap<number, Measured>): QuantisedMobilenet => {
  const layers = layersOf(network)
  const divisors = layers.map((_, at) => {
    const found = measured.get(at)
    return found === undefined ? undefined : equalise(found.ranges, layers[at + 1])
  })
  const scales = divisors.map((divisor, at) =>
    divisor === undefined ? 0 : coarse(largest(measured.get(at)!.ranges.map((range, c) => range / divisor[c]!)) / 255)
  )
  const rescaled = layers.map((layer, at) => rescale(layer, divisors[at - 1], divisors[at]))
  const rest = rescaled.slice(FIRST_INTEGER).map((layer, index) => {
    const at = index + FIRST_INTEGER
    const means =
      layer.shape[3] === 1 ? undefined : measured.get(at - 1)!.means.map((mean, c) => mean / divisors[at - 1]![c]!)
    return roundLayer(layer, scales[at - 1]!, scales[at]!, means)
  })
  const first = rescaled.slice(0, FIRST_INTEGER).map(({ kernel, bias, shape }) => ({
    kernel: Float32Array.from(kernel),
    bias: Float32Array.from(bias),
    shape
  }))
  return {
    first,
    scale: scales[FIRST_INTEGER - 1]!,
    rest,
    divisors: divisors.map((divisor, at) => divisor ?? new Float32Array(channels(layers[at]!.shape)).fill(1))
  }
}
