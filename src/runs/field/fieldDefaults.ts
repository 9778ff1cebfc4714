import type { Hearing } from "../../classifier/evaluation/field/sweep.ts"
import type { FrontEnd } from "../../embedder/frontEnd.ts"
import { windowTimes } from "../../embeddings/scans/scanRecipe.ts"
import { EVENT_DEFAULTS, thresholdsFrom } from "../scan/eventOptions.ts"

/** How the field is imitated unless something else is asked for. */
export const FIELD = {
  /** For each fold or part of an evaluation. */
  minutes: 60,
  /** Events in an hour, of all classes together. */
  perHour: 60,
  /** In dB. */
  snr: [-3, 15],
  /** Of an event at most. */
  eventSeconds: 2.5
} as const

/** Hearing as a scan does, but for the threshold, which is swept. */
export const hearingOf = (frontEnd: FrontEnd): Hearing => ({
  times: windowTimes({ parts: { embedder: frontEnd, sampleRate: frontEnd.sampleRate } }),
  eventsAt: (threshold) => ({ ...EVENT_DEFAULTS, thresholds: thresholdsFrom(threshold) })
})
