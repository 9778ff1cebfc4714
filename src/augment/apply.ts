import type { Clip } from "../sound/clip.ts"
import { apply as addNoise } from "./noise.ts"
import { apply as shiftPitch, stretchRate } from "./pitch.ts"
import type { Draw } from "./plan.ts"
import { apply as shiftTime } from "./shift.ts"
import { stretchTo } from "./stretch.ts"
import { apply as changeVolume } from "./volume.ts"

/** The rate at which a draw has the clip stretched, if it does. */
const rateOf = ({ parameters: { rate, semitones } }: Draw): number | undefined =>
  rate ?? (semitones === undefined ? undefined : stretchRate({ semitones }))

/**
 * Makes the drawn variants of a clip, in the order given.
 *
 * A draw's parameters say what is done: `rate` or `semitones` first, then `fraction`, `gain`, `sigma`. The clip is
 * analysed once for all variants that stretch it. Samples are not clipped: a gain or noise may take
 * them beyond ±1, as they were computed so they are embedded, and the 16-bit audit copy counts what it had to cut.
 * A variant without parameters shares its samples with the clip.
 */
export const augment = (
  clip: Clip,
  draws: ReadonlyArray<Draw>
): Array<{ readonly draw: Draw; readonly clip: Clip }> => {
  const { sampleRate } = clip
  const stretching = draws.filter((draw) => rateOf(draw) !== undefined)
  const stretched = new Map(
    stretchTo(
      clip.samples,
      stretching.map((draw) => rateOf(draw)!)
    ).map((samples, i) => [stretching[i]!, samples])
  )
  return draws.map((draw) => {
    const { semitones, fraction, gain, sigma } = draw.parameters
    let samples = stretched.get(draw) ?? clip.samples
    if (semitones !== undefined) samples = shiftPitch(clip.samples, sampleRate, { semitones }, samples)
    if (fraction !== undefined) samples = shiftTime(samples, sampleRate, { fraction })
    if (gain !== undefined) samples = changeVolume(samples, sampleRate, { gain })
    if (sigma !== undefined) samples = addNoise(samples, sampleRate, { sigma, seed: draw.seed })
    return { draw, clip: { samples, sampleRate } }
  })
}
