import { Option } from "effect"

/** When a candidate replaces the promoted model. */
export const PROMOTIONS = ["auto", "always", "never"] as const
export type Promotion = (typeof PROMOTIONS)[number]

export interface Decision {
  readonly promote: boolean
  /** One sentence for the run record. */
  readonly why: string
}

/**
 * Decides whether a candidate is promoted. Both macro-F1 scores are of the same held-out recordings; `promoted` is none
 * where nothing is promoted yet, and `candidate` null where no recording could be held out.
 */
export const decide = (
  promotion: Promotion,
  candidate: number | null,
  promoted: Option.Option<{ readonly runId: string; readonly macroF1: number | null }>
): Decision => {
  if (promotion === "always") return { promote: true, why: "Promoted as asked, without a comparison." }
  if (promotion === "never") return { promote: false, why: "Not promoted, as asked." }
  if (Option.isNone(promoted)) return { promote: true, why: "Promoted: there was no model before." }
  const { runId, macroF1 } = promoted.value
  if (candidate === null || macroF1 === null) {
    return { promote: false, why: "Not promoted: no recording is held out, so nothing shows that it is not worse." }
  }
  const scores = `macro-F1 ${candidate.toFixed(4)} against ${macroF1.toFixed(4)} of ${runId} on the same recordings`
  return candidate >= macroF1
    ? { promote: true, why: `Promoted: ${scores}.` }
    : { promote: false, why: `Not promoted: ${scores}.` }
}
