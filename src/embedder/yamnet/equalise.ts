import { Effect } from "effect"
import type { Convolution } from "../convolution.ts"
import { type ChannelRanges, channelRanges } from "./activations.ts"
import { calibrationPatches } from "./calibrationSounds.ts"
import { LOG_OFFSET } from "./logMel.ts"
import { layersOf, type Mobilenet } from "./mobilenet.ts"

/** A convolution in whole numbers: kernel value = whole * scales[output]. */
export interface QuantizedLayer {
  /** In the convolution's own order. */
  readonly kernel: Int8Array
  readonly scales: Float32Array
  /** In units of the input's scale times `scales`. */
  readonly bias: Int32Array
  /** What an activation's step is worth; activations are 0 to 255 steps. */
  readonly step: number
  /** What each channel's activations are to be multiplied by to be those of the network as it was. */
  readonly restore: Float32Array
}

/** How much of a channel's spread goes into the kernels after it rather than stay among the activations (Xiao 2022). */
const INTO_KERNELS = 0.6
/** A channel's range counts as at least this share of the layer's widest: one that hardly speaks is not blown up. */
const LEAST_RANGE = 1e-3
const STEPS = 255
const KERNEL_STEPS = 127

/** What patches are rounded to: logarithms from that of the offset, 0.001, to more than full scale has. */
export const PATCH_STEP = 12.5 / 255
export const PATCH_ZERO = -128 + Math.round(-Math.log(LOG_OFFSET) / PATCH_STEP)

/** YAMNet's convolutions in whole numbers, made once for each network in a process. */
export const wholeNumbers = Effect.fn("wholeNumbers")(function* (network: Mobilenet) {
  const made =
    known.get(network) ?? quantiseNetwork(network, yield* channelRanges(network, calibrationPatches()), PATCH_STEP)
  known.set(network, made)
  return made
})

const known = new WeakMap<Mobilenet, ReadonlyArray<QuantizedLayer>>()

/**
 * A network's layers in whole numbers, given what its activations came to in sounds to calibrate by.
 *
 * Each channel of a layer is divided by a number of its own, and what takes it multiplied by the same, which changes
 * nothing with a ReLU between them (Nagel 2019) but makes channels equally wide: before a depthwise convolution this costs
 * nothing at all, as each of its kernels has a scale of its own. What rounding a kernel does to the mean of its output is
 * taken off the bias.
 *
 * @param inputStep What a step of the patches is worth.
 */
export const quantiseNetwork = (
  network: Mobilenet,
  ranges: ReadonlyArray<ChannelRanges>,
  inputStep: number
): ReadonlyArray<QuantizedLayer> => {
  const layers = layersOf(network)
  const divisors = layers.map((_, at) => divisorsOf(ranges[at]!.highest, layers[at + 1]))
  return layers.map((layer, at) => {
    const before = divisors[at - 1]
    const own = divisors[at]!
    const rescaled = rescale(layer, before, own)
    const { whole, scales } = roundKernel(rescaled)
    const means = ranges[at - 1]?.mean.map((mean, channel) => mean / before![channel]!)
    const error = means && meanError(rescaled, whole, scales, means)
    const taken = at === 0 ? inputStep : stepOf(ranges[at - 1]!.highest, before!)
    return {
      kernel: whole,
      scales,
      bias: Int32Array.from(own, (divisor, output) =>
        Math.round((layer.bias[output]! / divisor - (error?.[output] ?? 0)) / (taken * scales[output]!))
      ),
      step: stepOf(ranges[at]!.highest, own),
      restore: own
    }
  })
}

const isDepthwise = ({ shape }: Convolution): boolean => shape[3] === 1

const highestOf = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, value), 0) || 1

const divisorsOf = (highest: Float32Array, next: Convolution | undefined): Float32Array => {
  const widest = highestOf(highest)
  const shares = highest.map((value) => Math.max(value / widest, LEAST_RANGE))
  if (next === undefined || isDepthwise(next)) return shares
  const [, , inputs, outputs] = next.shape
  const weights = Float32Array.from({ length: inputs }, (_, input) =>
    next.kernel.subarray(input * outputs, (input + 1) * outputs).reduce((most, w) => Math.max(most, Math.abs(w)), 0)
  )
  const heaviest = highestOf(weights)
  return shares.map(
    (share, at) => share ** INTO_KERNELS * Math.max(weights[at]! / heaviest, 1e-6) ** (INTO_KERNELS - 1)
  )
}

const stepOf = (highest: Float32Array, divisors: Float32Array): number =>
  highestOf(highest.map((value, at) => value / divisors[at]!)) / STEPS

// One loop over a kernel's inputs and outputs each: millions of weights, in every run.

/** A kernel as rows of outputs, one for each place and input; a depthwise one is a row for each place. */
const rowsOf = ({ kernel, shape: [height, width, inputs, outputs], bias }: Convolution) => {
  const isOneToOne = outputs === 1
  return { count: isOneToOne ? height * width : kernel.length / bias.length, width: bias.length, isOneToOne, inputs }
}

const rescale = (layer: Convolution, before: Float32Array | undefined, own: Float32Array): Convolution => {
  const { count, width, isOneToOne, inputs } = rowsOf(layer)
  const kernel = layer.kernel.slice()
  for (let row = 0, at = 0; row < count; row++) {
    for (let output = 0; output < width; output++, at++) {
      const factor = before === undefined ? 1 : before[isOneToOne ? output : row % inputs]!
      kernel[at] = (kernel[at]! * factor) / own[output]!
    }
  }
  return { ...layer, kernel }
}

const roundKernel = ({ kernel, bias: { length: width } }: Convolution) => {
  const scales = new Float32Array(width)
  for (let at = 0; at < kernel.length; at += width) {
    for (let output = 0; output < width; output++) {
      const size = Math.abs(kernel[at + output]!) / KERNEL_STEPS
      if (size > scales[output]!) scales[output] = size
    }
  }
  for (const [at, scale] of scales.entries()) scales[at] = scale || 1
  const whole = new Int8Array(kernel.length)
  for (let at = 0; at < kernel.length; at += width) {
    for (let output = 0; output < width; output++)
      whole[at + output] = Math.round(kernel[at + output]! / scales[output]!)
  }
  return { scales, whole }
}

/** What rounding its kernel adds to each output of a layer whose inputs have these means. */
const meanError = (layer: Convolution, whole: Int8Array, scales: Float32Array, means: Float32Array): Float64Array => {
  const { count, width, isOneToOne, inputs } = rowsOf(layer)
  const error = new Float64Array(width)
  for (let row = 0, at = 0; row < count; row++) {
    for (let output = 0; output < width; output++, at++) {
      error[output]! += (whole[at]! * scales[output]! - layer.kernel[at]!) * means[isOneToOne ? output : row % inputs]!
    }
  }
  return error
}
