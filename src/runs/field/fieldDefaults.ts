import type { FrontEnd } from "../../embedder/frontEnd.ts"
import { windowTimes } from "../../embeddings/scans/scanRecipe.ts"

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

/** How windows lie, as in a scan. */
export const windowsOf = (frontEnd: FrontEnd) =>
  windowTimes({ parts: { embedder: frontEnd, sampleRate: frontEnd.sampleRate } })
