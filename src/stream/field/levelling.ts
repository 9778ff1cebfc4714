import type { FrontEnd } from "../../embedder/frontEnd.ts"
import { levelled } from "../../sound/level.ts"

/** The front-end that field recordings are heard with: what is prepared together is brought to a nominal level. */
export const levelling = (frontEnd: FrontEnd): FrontEnd => ({
  ...frontEnd,
  prepare: (samples) => frontEnd.prepare(levelled(samples, frontEnd.sampleRate))
})
