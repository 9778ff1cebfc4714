import { kernels, Room } from "../../sound/kernels/kernels.ts"
import type { Random } from "../../sound/random.ts"

const LANES = 4
const STEP = 16

/**
 * Draws which units dropout keeps: bytes [visits, all hidden units], 1 with a probability of 1 - its layer's rate, else 0.
 *
 * Four streams of sfc32 side by side, begun with numbers of `random`, because one number after the other is slow.
 */
export const keptUnits = (
  visits: number,
  units: ReadonlyArray<number>,
  dropout: ReadonlyArray<number>,
  random: Random
): Uint8Array => {
  const thresholds = units.flatMap((count, layer) => new Array<number>(count).fill(dropout[layer]! * 2 ** 32))
  // Without hidden layers nothing is drawn, so that what else `random` decides stays as it is.
  if (thresholds.length === 0) return new Uint8Array(0)
  const drawn = Math.ceil(thresholds.length / STEP) * STEP
  const begin = Array.from({ length: 3 * LANES }, () => random() * 2 ** 32)
  using room = new Room()
  const streams = room.record([], [...begin, ...new Array<number>(LANES).fill(1)])
  const limits = room.record([], [...thresholds, ...new Array<number>(drawn - thresholds.length).fill(0)])
  const size = visits * thresholds.length
  const out = room.allocate(size + STEP)
  kernels.keep(streams, limits, drawn, thresholds.length, visits, out)
  return new Uint8Array(kernels.memory.buffer, out, size).slice()
}
