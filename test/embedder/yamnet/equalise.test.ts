import { expect, test } from "bun:test"
import { Effect } from "effect"
import { channelRanges } from "../../../src/embedder/yamnet/activations.ts"
import { calibrationPatches } from "../../../src/embedder/yamnet/calibrationSounds.ts"
import { PATCH_STEP, quantiseNetwork } from "../../../src/embedder/yamnet/equalise.ts"
import { layersOf } from "../../../src/embedder/yamnet/mobilenet.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"

const network = untrainedNetwork()
const patches = calibrationPatches()
const ranges = await Effect.runPromise(channelRanges(network, patches))
const quantised = quantiseNetwork(network, ranges, PATCH_STEP)

test("sounds to calibrate by are the same each time, finite, and soft and loud", () => {
  expect(calibrationPatches()).toEqual(patches)
  expect(patches.every(Number.isFinite)).toBe(true)
  expect(patches.reduce((most, value) => Math.max(most, value), -10)).toBeGreaterThan(3)
})

test("a layer's whole numbers stand for its kernel, once what channels were divided by is multiplied in", () => {
  const layers = layersOf(network)
  for (const at of [1, 2, 25, 26]) {
    const { kernel, shape } = layers[at]!
    const { kernel: whole, scales, restore } = quantised[at]!
    const before = quantised[at - 1]!.restore
    const outputs = restore.length
    for (let place = 0; place < kernel.length; place += 997) {
      const output = place % outputs
      const input = shape[3] === 1 ? output : Math.floor(place / outputs) % shape[2]
      const stands = (whole[place]! * scales[output]! * restore[output]!) / before[input]!
      const step = (scales[output]! * restore[output]!) / before[input]!
      expect(Math.abs(stands - kernel[place]!)).toBeLessThanOrEqual(0.5001 * step)
    }
  }
})

test("a channel that takes what is twice as wide has its whole numbers in full all the same", () => {
  const [first] = ranges
  const wide = { highest: first!.highest.map((value, at) => (at === 0 ? 100 * value : value)), mean: first!.mean }
  const other = quantiseNetwork(network, [wide, ...ranges.slice(1)], PATCH_STEP)
  // Before a depthwise convolution each channel is divided by its own range, which costs nothing.
  expect(other[1]!.kernel).toEqual(quantised[1]!.kernel)
  expect(other[0]!.restore[0]! / other[0]!.restore[1]!).toBeCloseTo((100 * first!.highest[0]!) / first!.highest[1]!, -1)
})

test("no bias and no activation is out of its whole numbers", () => {
  for (const { bias, step, scales } of quantised) {
    expect(step).toBeGreaterThan(0)
    expect(scales.every((scale) => scale > 0)).toBe(true)
    expect(bias.every((value) => Math.abs(value) < 2 ** 31 - 1)).toBe(true)
  }
})
