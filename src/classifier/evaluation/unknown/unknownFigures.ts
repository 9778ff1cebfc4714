import type { Dataset } from "../../dataset.ts"
import { type Figure, measureOn } from "../figures.ts"
import type { Answer, UnheardKind } from "./leaveKindsOut.ts"

/** What heads answer to sounds of their classes, and to sounds of none, with "unknown" below their thresholds. */
export interface UnknownEvaluation {
  readonly background: string
  readonly heads: ReadonlyArray<HeadOnUnknown>
}

/** One head. */
export interface HeadOnUnknown {
  readonly head: string
  /** Every class but the background. */
  readonly known: ReadonlyArray<KnownFigures>
  /** Background from other sources of the kinds that it was trained on. */
  readonly heard: AlarmFigures
  /** Each kind of background, of which it was trained on none; and all of them together. */
  readonly unheard: ReadonlyArray<AlarmFigures & { readonly kind: string }>
  readonly allUnheard?: AlarmFigures
}

/** A class's recordings that were recognised. */
export interface KnownFigures {
  readonly className: string
  readonly recognised: number
  /** The share of them that are not answered "unknown"; null where none was recognised. */
  readonly kept: Figure | null
}

/** Recordings that hold none of the classes. */
export interface AlarmFigures {
  readonly recordings: number
  readonly sources: number
  /** The share whose likeliest class is another than the background. */
  readonly taken: Figure | null
  /** The share for which that class is answered, and not "unknown". */
  readonly alarms: Figure | null
  /** How many that are, by class: those with any. */
  readonly as: Readonly<Record<string, number>>
}

const RESAMPLES = 500

/** A head's figures: what it made of everything that was left out, and of kinds of background that it never heard. */
export const figuresOnUnknown = (
  dataset: Pick<Dataset, "classes" | "samples" | "labels">,
  background: string,
  head: string,
  answers: ReadonlyArray<Answer>,
  kinds: ReadonlyArray<UnheardKind>
): HeadOnUnknown => {
  const { classes, samples, labels } = dataset
  const quiet = classes.indexOf(background)
  const alarms = (own: ReadonlyArray<Answer>): AlarmFigures => {
    const taken = own.map((answer) => answer.taken !== quiet)
    const isAlarm = own.map(({ isUnknown }, at) => taken[at]! && !isUnknown)
    const [share, alarming] = sharesOf(dataset, own, [taken, isAlarm])
    const as = Map.groupBy(
      own.filter((_, at) => isAlarm[at]),
      (answer) => classes[answer.taken]!
    )
    return {
      recordings: own.length,
      sources: new Set(own.map(({ row }) => samples[row]!.group)).size,
      taken: share!,
      alarms: alarming!,
      as: Object.fromEntries([...as].map(([className, { length }]) => [className, length]))
    }
  }
  return {
    head,
    known: classes.flatMap((className, label) => {
      if (label === quiet) return []
      const own = answers.filter(({ row, taken }) => labels[row] === label && taken === label)
      const [kept] = sharesOf(dataset, own, [own.map(({ isUnknown }) => !isUnknown)])
      return [{ className, recognised: own.length, kept: kept! }]
    }),
    heard: alarms(answers.filter(({ row }) => labels[row] === quiet)),
    unheard: kinds.map(({ kind, answers: own }) => ({ kind, ...alarms(own) })),
    ...(kinds.length > 0 && { allUnheard: alarms(kinds.flatMap(({ answers: own }) => own)) })
  }
}

/** The share of answers with each flag, with intervals over sources. */
const sharesOf = (
  { samples }: Pick<Dataset, "samples">,
  answers: ReadonlyArray<Answer>,
  flags: ReadonlyArray<ReadonlyArray<boolean>>
): ReadonlyArray<Figure | null> =>
  measureOn(
    answers.map(({ row }) => samples[row]!.group),
    RESAMPLES
  )((counts) => {
    const total = answers.reduce((sum, _, at) => sum + counts[at]!, 0)
    return flags.map((own) => own.reduce((sum, flag, at) => sum + Number(flag) * counts[at]!, 0) / total)
  })
