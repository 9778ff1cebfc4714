import { SAMPLE_RATE } from "../../sound/clip.ts"
import type { FrontEnd } from "../frontEnd.ts"
import { FIRST_PATCH, FRONTEND_VERSION, logMelPatches, PATCH_HOP, PATCH_SIZE } from "./logMel.ts"
import { TAPS, vectorSizes } from "./mobilenet.ts"
import { POOLING_VERSION, patchWeights } from "./pooling.ts"

/** YAMNet's front-end, with these taps: log-mel patches of 0.975 s every 0.48 s, and what each counts for by its energy. */
export const frontEndOf = (taps: ReadonlyArray<number>): FrontEnd => ({
  id: "yamnet",
  module: import.meta.path,
  sampleRate: SAMPLE_RATE,
  window: FIRST_PATCH,
  hop: PATCH_HOP,
  patchSize: PATCH_SIZE,
  vectors: vectorSizes(taps),
  versions: { frontEnd: FRONTEND_VERSION, pooling: POOLING_VERSION },
  prepare: logMelPatches,
  weigh: patchWeights
})

export const frontEnd = frontEndOf(TAPS)
