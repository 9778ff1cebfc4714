import type { Parameters, Variant } from "../../src/augment/variant.ts"
import { stretchTo } from "../../src/augment/vocoder.ts"

/** What a variant makes of samples at 16 kHz; its parameters are drawn, unless given. */
export const made = <P extends Parameters>(
  variant: Variant<P>,
  samples: Float32Array,
  { seed = 0, parameters = variant.draw(() => 0.5) }: { readonly seed?: number; readonly parameters?: P } = {}
): Float32Array => {
  const rate = variant.stretchRate?.(parameters)
  const source = rate === undefined ? samples : stretchTo(samples, [rate])[0]!
  return variant.apply(source, parameters, { clip: { samples, sampleRate: 16_000 }, seed })
}
