import type { Comparison } from "../classifier/compare.ts"
import type { FieldDifference } from "../classifier/evaluation/field/fieldFigures.ts"
import { describeConsistency, type LabelConsistency } from "../classifier/neighbours/consistency.ts"
import { counted } from "../config/inWords.ts"

/** When a candidate replaces the promoted model. */
export const PROMOTIONS = ["auto", "always", "never"] as const
export type Promotion = (typeof PROMOTIONS)[number]

/** By how much a candidate may be worse and still be promoted. */
export interface Tolerances {
  /** In macro-F1, 0 to 1: GATE_TOLERANCE. */
  readonly macroF1: number
  /** In any one class's recall, 0 to 1: GATE_CLASS_TOLERANCE. */
  readonly recall: number
}

/** What there is to compare a candidate with. */
export type Incumbent =
  | { readonly kind: "none" }
  /** It cannot be used by anybody: what it was worth is gone with it. */
  | { readonly kind: "damaged"; readonly runId: string }
  /** `why` completes "Not promoted: ". */
  | { readonly kind: "incomparable"; readonly why: string }
  | {
      readonly kind: "compared"
      readonly runId: string
      readonly comparison: Comparison
      /** What both hear in the same soundscapes; absent where nothing could be heard. */
      readonly field?: FieldDifference
    }

export interface Decision {
  readonly promote: boolean
  /** One sentence for the run record. */
  readonly why: string
}

/**
 * When the labels of a batch are doubted. Scores alone do not show a poisoned batch: a classifier learns past wrong
 * labels when it has enough right ones, and on a small holdout both models then predict the same.
 */
const DOUBT = { pValue: 0.01, shortfall: 0.05 } as const

/**
 * Decides whether a candidate is promoted, from its and the promoted model's scores on the same held-out recordings, and
 * from how well the labels of the recordings that are new since then go with the others.
 *
 * `contradicted` are classes most of whose recordings were left out because they lie in another class, too: held out with
 * the rest, they would not show in any score. `keras` is the same of the `.keras` file's classifiers, where these are not
 * what is served: neither may fall back.
 */
export const decide = (
  promotion: Promotion,
  incumbent: Incumbent,
  tolerances: Tolerances,
  labels?: LabelConsistency,
  contradicted: ReadonlyArray<string> = [],
  keras?: Incumbent
): Decision => {
  const scores = incumbent.kind === "compared" ? `: ${describe(incumbent)}` : ""
  const heard =
    incumbent.kind === "compared" && incumbent.field !== undefined ? ` ${describeField(incumbent.field)}.` : ""
  if (promotion === "always")
    return { promote: true, why: `Promoted as asked, whatever the comparison${scores}.${heard}` }
  if (promotion === "never") return { promote: false, why: `Not promoted, as asked${scores}.${heard}` }
  if (incumbent.kind === "none") return { promote: true, why: "Promoted: there was no model before." }
  if (incumbent.kind === "damaged") {
    return { promote: true, why: `Promoted: the files of ${incumbent.runId}, which was promoted, are damaged.` }
  }
  if (incumbent.kind === "incomparable") return { promote: false, why: `Not promoted: ${incumbent.why}.` }

  const { field, comparison } = incumbent
  const reasons = [
    ...shortfalls(comparison, tolerances),
    ...(keras?.kind === "compared"
      ? shortfalls(keras.comparison, tolerances).map((reason) => `in yamnet_classifier.keras ${reason}`)
      : []),
    ...(field !== undefined && field.interval.high < 0
      ? [
          `${lowered(describeField(field))} (95 % interval of the difference ${signed(field.interval.low)} to ` +
            `${signed(field.interval.high)}): more than chance explains`
        ]
      : []),
    ...(labels !== undefined && labels.pValue < DOUBT.pValue && labels.shortfall >= DOUBT.shortfall
      ? [`some of the new labels seem to be wrong: ${describeConsistency(labels)}`]
      : []),
    ...(contradicted.length > 0
      ? [`most recordings of ${contradicted.join(" and ")} were left out, because the same bytes lie in another class`]
      : [])
  ]
  return reasons.length === 0
    ? { promote: true, why: `Promoted${scores}.${heard}` }
    : { promote: false, why: `Not promoted: ${reasons.join("; ")}. It has ${describe(incumbent)}.` }
}

/** In what a candidate is worse than it may be, in words. */
const shortfalls = ({ difference, recalls }: Comparison, tolerances: Tolerances): ReadonlyArray<string> => [
  ...(isBelow(difference, tolerances.macroF1)
    ? [`macro-F1 is lower by more than GATE_TOLERANCE (${tolerances.macroF1}) allows`]
    : []),
  ...recalls
    .filter(({ candidate, promoted }) => isBelow(candidate - promoted, tolerances.recall))
    .map(
      ({ className, support, candidate, promoted }) =>
        `the recall of ${className} is ${candidate.toFixed(3)} against ${promoted.toFixed(3)} ` +
        `(${counted(support, "recording")}), lower by more than GATE_CLASS_TOLERANCE (${tolerances.recall}) allows`
    )
]

// Recalls are quotients: 0.9 less 0.85 is 0.05 and a little.
const isBelow = (difference: number, tolerance: number): boolean => difference < -tolerance - 1e-9

const describe = ({ runId, comparison }: Extract<Incumbent, { readonly kind: "compared" }>): string => {
  const { macroF1, difference, interval, recordings } = comparison
  const includesZero = interval.low <= 0 && interval.high >= 0
  const verdict = !includesZero
    ? "beyond chance"
    : difference > 0
      ? "it includes 0, so this may be better by luck"
      : "it includes 0, so chance can explain this"
  return (
    `macro-F1 ${macroF1.candidate.toFixed(4)} against ${macroF1.promoted.toFixed(4)} of ${runId} on the same ` +
    `${counted(recordings, "recording")} (${signed(difference)}, 95 % interval ${signed(interval.low)} to ` +
    `${signed(interval.high)}: ${verdict})`
  )
}

const describeField = ({ rate, candidate, promoted }: FieldDifference): string =>
  `In the field, at ${rate} false alarms an hour, it finds ${Math.round(100 * candidate)} % of the events against ` +
  `${Math.round(100 * promoted)} %`

const lowered = (sentence: string): string => sentence[0]!.toLowerCase() + sentence.slice(1)

const signed = (value: number): string => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(4)}`
