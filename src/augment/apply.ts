import type { Clip } from "../audio/clip.ts"
import { apply as addNoise } from "./noise.ts"
import { apply as shiftPitch } from "./pitch.ts"
import type { Draw } from "./plan.ts"
import { apply as shiftTime } from "./shift.ts"
import { analyse, type Spectrogram } from "./spectrogram.ts"
import { apply as stretch } from "./stretch.ts"
import { apply as changeVolume } from "./volume.ts"

/** The last clip's spectrogram, whose memory the next one uses: 1.5 MB for 4 seconds. */
let spent: Spectrogram | undefined

/**
 * Makes the drawn variants of a clip, in the order given.
 *
 * A draw's parameters say what is done: `rate` or `semitones` first, then `fraction`, `gain`, `sigma`. The clip's
 * spectrogram is computed once for all variants that need it. Samples are not clipped: a gain or noise may take
 * them beyond ±1, as they were computed so they are embedded, and the 16-bit audit copy counts what it had to cut.
 * A variant without parameters shares its samples with the clip.
 */
export const augment = (
  clip: Clip,
  draws: ReadonlyArray<Draw>
): Array<{ readonly draw: Draw; readonly clip: Clip }> => {
  const { sampleRate } = clip
  let shared: Spectrogram | undefined
  const spectrogram = (): Spectrogram => {
    shared ??= analyse(clip.samples, spent)
    spent = shared
    return shared
  }
  return draws.map((draw) => {
    const { rate, semitones, fraction, gain, sigma } = draw.parameters
    let samples = clip.samples
    if (rate !== undefined) samples = stretch(samples, sampleRate, { rate }, spectrogram())
    else if (semitones !== undefined) samples = shiftPitch(samples, sampleRate, { semitones }, spectrogram())
    if (fraction !== undefined) samples = shiftTime(samples, sampleRate, { fraction })
    if (gain !== undefined) samples = changeVolume(samples, sampleRate, { gain })
    if (sigma !== undefined) samples = addNoise(samples, sampleRate, { sigma, seed: draw.seed })
    return { draw, clip: { samples, sampleRate } }
  })
}
