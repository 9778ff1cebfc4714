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

/** A layer, and what the channels that go into it and come out of it are kept divided by. */
interface Divided {
  readonly layer: Convolution
  readonly before: Float32Array
  readonly after: Float32Array
}

/** Such a layer as one between the divided channels, in float32. */
const rescale = ({ layer: { kernel, bias, shape }, before, after }: Divided): Convolution => {
  const [, , input, output] = shape
  const scaled = new Float32Array(kernel.length)
  for (let at = 0, from = 0; at < kernel.length; from = (from + 1) % input) {
    // A depthwise kernel has one output for each input.
    for (let to = output === 1 ? from : 0, end = to + output; to < end; to++, at++) {
      scaled[at] = (kernel[at]! * before[from]!) / after[to]!
    }
  }
  return { kernel: scaled, bias: Float32Array.from(bias, (value, at) => value / after[at]!), shape }
}

/** The same in integers; `means` are of what goes in, where its bias makes good what rounding moves them by. */
const roundLayer = (
  { layer: { kernel, bias, shape }, before, after }: Divided,
  from: number,
  to: number,
  means: Float64Array | undefined
): IntegerConvolution => {
  const [height, width, input, output] = shape
  const area = height * width
  const isDepthwise = output === 1
  const [outputs, inputs] = isDepthwise ? [input, 1] : [output, input]
  const rows = area * inputs
  // Every weight is divided twice, for it costs less than to keep all of them.
  const largests = new Float64Array(outputs)
  for (let row = 0, at = 0; row < rows; row++) {
    const factor = before[row % inputs]!
    for (let o = 0; o < outputs; o++, at++) {
      const size = Math.abs((kernel[at]! * (isDepthwise ? before[o]! : factor)) / after[o]!)
      if (size > largests[o]!) largests[o] = size
    }
  }
  const shifts = Float64Array.from(bias, (value, o) => value / after[o]!)
  // A channel that hardly looks at what goes in has its bias to keep.
  const scales = Float32Array.from(largests, (most, o) =>
    Math.max(most / 127, Math.abs(shifts[o]!) / (2 ** 30 * from), 1e-30)
  )
  const rounded = new Int8Array(kernel.length)
  const moved = new Float64Array(outputs)
  for (let row = 0, at = 0; row < rows; row++) {
    const i = row % inputs
    const factor = before[i]!
    const mean = means === undefined ? 0 : means[i]!
    for (let o = 0, place = i * area + Math.floor(row / inputs); o < outputs; o++, at++, place += inputs * area) {
      const exact = (kernel[at]! * (isDepthwise ? before[o]! : factor)) / after[o]!
      // What Math.round gives, in a third of the time.
      const value = Math.floor(exact / scales[o]! + 0.5)
      rounded[place] = value
      moved[o]! += (value * scales[o]! - exact) * mean
    }
  }
  const biases = Int32Array.from(shifts, (value, o) => Math.round((value - moved[o]!) / (scales[o]! * from)))
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
  const kept = divisors.map((divisor, at) => divisor ?? new Float32Array(channels(layers[at]!.shape)).fill(1))
  const divided = layers.map((layer, at): Divided => {
    // Nothing before the first layer is divided.
    const before = kept[at - 1] ?? new Float32Array(layer.shape[2]).fill(1)
    return { layer, before, after: kept[at]! }
  })
  const rest = divided.slice(FIRST_INTEGER).map((layer, index) => {
    const at = index + FIRST_INTEGER
    const isDepthwise = layer.layer.shape[3] === 1
    const means = isDepthwise ? undefined : measured.get(at - 1)!.means.map((mean, c) => mean / kept[at - 1]![c]!)
    return roundLayer(layer, scales[at - 1]!, scales[at]!, means)
  })
  const first = divided.slice(0, FIRST_INTEGER).map(rescale)
  return { first, scale: scales[FIRST_INTEGER - 1]!, rest, divisors: kept }
}
