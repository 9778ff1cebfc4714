import type { Clip } from "../sound/clip.ts"
import type { Draw } from "./draw.ts"
import type { Variant } from "./variant.ts"
import { ALL_VARIANTS } from "./variants.ts"
import { stretchTo } from "./vocoder.ts"

/**
 * Makes the drawn variants of a clip, in the order given.
 *
 * The clip is analysed once for all variants that stretch it. Samples are not clipped: a gain or noise may take them
 * beyond ±1, as they were computed so they are embedded, and the 16-bit audit copy counts what it had to cut. The
 * original shares its samples with the clip.
 */
export const augment = (
  clip: Clip,
  draws: ReadonlyArray<Draw>
): Array<{ readonly draw: Draw; readonly clip: Clip }> => {
  const { samples, sampleRate } = clip
  const rates = [...new Set(draws.flatMap((draw) => rateOf(draw) ?? []))]
  const stretched = new Map(stretchTo(samples, rates).map((own, at) => [rates[at]!, own]))
  return draws.map((draw) => {
    const rate = rateOf(draw)
    const source = rate === undefined ? samples : stretched.get(rate)!
    const made = variantOf(draw)?.apply(source, draw.parameters, { clip, seed: draw.seed }) ?? source
    return { draw, clip: { samples: made, sampleRate } }
  })
}

const variantOf = ({ variant }: Draw): Variant | undefined =>
  variant === "original" ? undefined : ALL_VARIANTS[variant]

const rateOf = (draw: Draw): number | undefined => variantOf(draw)?.stretchRate?.(draw.parameters)
