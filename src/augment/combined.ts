import { noise } from "./noise.ts"
import { pitchShift } from "./pitchShift.ts"
import { timeStretch } from "./timeStretch.ts"
import type { Parameters, Variant } from "./variant.ts"
import { volume } from "./volume.ts"

/** One variant, then another of what it made; only the first may stretch. */
const inTurn = <A extends Parameters, B extends Parameters>(first: Variant<A>, second: Variant<B>): Variant<A & B> => ({
  ...first,
  draw: (random) => ({ ...first.draw(random), ...second.draw(random) }),
  apply: (samples, parameters, context) => second.apply(first.apply(samples, parameters, context), parameters, context)
})

export const COMBINATIONS = {
  combined_1: inTurn(timeStretch(1.05), noise(0.003)),
  combined_2: inTurn(pitchShift(1), volume(0.9))
}
