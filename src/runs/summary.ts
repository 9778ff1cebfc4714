import { Schema } from "effect"
import { JUDGES } from "../classifier/evaluation/field/fieldFigures.ts"
import type { ClassScore, HoldoutResult } from "../classifier/holdoutResult.ts"
import { ALARM_RATES } from "../config/alarmRates.ts"
import { counted, namedFew } from "../config/inWords.ts"
import { AnnotationReport, describeProblem } from "../stream/annotations/problems.ts"
import type { Noted } from "../stream/corpusPass.ts"
import type { CorpusTotals } from "./data.ts"
import type { FieldJudgement } from "./field/judgeField.ts"

const ClassScores = Schema.Struct({
  className: Schema.String,
  recordings: Schema.Int,
  variants: Schema.Int,
  /** Held-out recordings; the three scores are null where there are none. */
  support: Schema.Int,
  precision: Schema.NullOr(Schema.Finite),
  recall: Schema.NullOr(Schema.Finite),
  f1: Schema.NullOr(Schema.Finite)
})

const Agreement = Schema.Struct({ recordings: Schema.Int, agreeing: Schema.Int })

const Figure = Schema.Struct({ value: Schema.Finite, low: Schema.Finite, high: Schema.Finite })
const AtRates = Schema.Array(Schema.NullOr(Figure))

/** What a model hears in soundscapes of the recordings held out, or in those that are annotated field recordings. */
const FieldScores = Schema.Struct({
  /** Absent in records from before: soundscapes. */
  judgedBy: Schema.optionalKey(Schema.Literals(JUDGES)),
  hours: Schema.Finite,
  events: Schema.Int,
  sources: Schema.Int,
  /** False alarms of a class an hour, at which recalls are told, in their order. */
  rates: Schema.Array(Schema.Finite),
  /** Over classes. */
  recallAtAlarms: AtRates,
  perClass: Schema.Array(
    Schema.Struct({
      className: Schema.String,
      events: Schema.Int,
      sources: Schema.Int,
      recallAtAlarms: AtRates,
      averagePrecision: Schema.NullOr(Figure)
    })
  ),
  /** Both models' mean recall at `rate`, in the same sound; null where there was nothing to compare. */
  comparison: Schema.NullOr(
    Schema.Struct({
      rate: Schema.Finite,
      candidate: Schema.Finite,
      promoted: Schema.Finite,
      interval: Schema.Struct({ low: Schema.Finite, high: Schema.Finite })
    })
  )
})

const Compared = Schema.Struct({
  promotedRun: Schema.String,
  recordings: Schema.Int,
  macroF1: Schema.Struct({ candidate: Schema.Finite, promoted: Schema.Finite }),
  difference: Schema.Finite,
  /** Where 95 % of the differences lie when the sources are drawn anew. */
  interval: Schema.Struct({ low: Schema.Finite, high: Schema.Finite, resamples: Schema.Int }),
  recalls: Schema.Array(
    Schema.Struct({
      className: Schema.String,
      support: Schema.Int,
      candidate: Schema.Finite,
      promoted: Schema.Finite
    })
  )
})

/** What a run came to: the object that `--json` prints, and the heart of the run record. */
export const RunSummary = Schema.Struct({
  runId: Schema.String,
  store: Schema.String,
  engine: Schema.Struct({ name: Schema.String, adapter: Schema.String, why: Schema.String }),
  embedder: Schema.String,
  /** Hex SHA-256 of the version's `training_set.json`: every key and content that the model was made from. */
  snapshot: Schema.String,
  /** Usable recordings, which is what the model was trained from and tested on. */
  recordings: Schema.Int,
  skipped: Schema.Array(Schema.Struct({ key: Schema.String, reason: Schema.String })),
  /** Recordings embedded in this run that were not read as usual, and how; absent in records from before. */
  noted: Schema.optionalKey(Schema.Array(Schema.Struct({ key: Schema.String, note: Schema.String }))),
  /** Files beside the recordings that were left alone; absent in records from before. */
  others: Schema.optionalKey(Schema.Int),
  /** What annotations of field recordings came to, and what of them was not used; absent where there are none. */
  annotations: Schema.optionalKey(AnnotationReport),
  /** Recordings that are silence, or next to it: kept, but worth a look. */
  silent: Schema.Array(Schema.String),
  /** Keys with the same bytes in two classes or more, which are left out; absent in records from before. */
  contradictions: Schema.optionalKey(Schema.Array(Schema.Array(Schema.String))),
  variants: Schema.Int,
  patches: Schema.Int,
  embedded: Schema.Int,
  reused: Schema.Int,
  seconds: Schema.Struct({
    total: Schema.Finite,
    list: Schema.Finite,
    stream: Schema.Finite,
    train: Schema.Finite,
    /** Making windows out of soundscapes and training on them, hearing other soundscapes, and writing; absent in records from before. */
    windows: Schema.optionalKey(Schema.Finite),
    field: Schema.optionalKey(Schema.Finite),
    write: Schema.optionalKey(Schema.Finite)
  }),
  holdout: Schema.Struct({
    recordings: Schema.Int,
    accuracy: Schema.NullOr(Schema.Finite),
    macroF1: Schema.NullOr(Schema.Finite),
    perClass: Schema.Array(ClassScores),
    /** Rows are true classes, columns predictions, both in the order of `perClass`. */
    confusion: Schema.Array(Schema.Array(Schema.Int))
  }),
  /** Null where nothing could be heard; absent in records from before. */
  field: Schema.optionalKey(Schema.NullOr(FieldScores)),
  /** What a reader of the figures should know: classes that could not be held out, and the like. */
  notes: Schema.Array(Schema.String),
  /** With the promoted model, on the same held-out recordings; null where there was nothing to compare. */
  comparison: Schema.NullOr(Compared),
  /** The same of the `.keras` file's classifier, where that is another than what is served; absent in records from before. */
  keras: Schema.optionalKey(
    Schema.Struct({
      accuracy: Schema.NullOr(Schema.Finite),
      macroF1: Schema.NullOr(Schema.Finite),
      comparison: Schema.NullOr(Compared)
    })
  ),
  /** How well the labels of what is new since the promoted model go with the others; null where nothing is new. */
  labels: Schema.NullOr(
    Schema.Struct({
      fresh: Agreement,
      before: Agreement,
      classes: Schema.Array(Schema.Struct({ className: Schema.String, fresh: Agreement, before: Agreement })),
      pValue: Schema.Finite,
      shortfall: Schema.Finite
    })
  ),
  promoted: Schema.Boolean,
  /** Why the model was promoted, or why not. */
  decision: Schema.String,
  artifacts: Schema.Array(Schema.String)
})
export type RunSummary = typeof RunSummary.Type

/** Problems that are noted; the summary has them all. */
const NAMED = 3

/** What to know of files that were not read as usual, or not at all, a sentence each. */
export const notesOnFiles = (noted: ReadonlyArray<Noted>, others: number): ReadonlyArray<string> => [
  ...Map.groupBy(noted, ({ note }) => note)
    .entries()
    .map(([note, recordings]) => `${note.replace(/\.$/, "")}: ${namedFew(recordings.map(({ key }) => key))}.`),
  ...(others > 0 ? [`${counted(others, "other file")} ${others === 1 ? "was" : "were"} left alone.`] : [])
]

/** What annotations of field recordings came to, and the first of what was not used; the summary has all of that. */
export const notesOnAnnotations = (report: AnnotationReport | undefined): ReadonlyArray<string> => {
  if (report === undefined) return []
  const { tables, recordings, annotations, clips, background, overlapping, problems } = report
  const cut = Object.entries(clips).map(([className, count]) => `${count} ${className}`)
  return [
    ...(tables > 0
      ? [
          `${counted(annotations, "annotation")} of ${counted(recordings, "field recording")} (in ${counted(tables, "table")}) gave ${cut.join(", ") || "no"} clips and ${background} of background.`
        ]
      : []),
    ...(overlapping.stretches > 0
      ? [
          `${counted(overlapping.stretches, "stretch", "stretches")} (${overlapping.seconds.toFixed(1)} s) ${overlapping.stretches === 1 ? "was" : "were"} left out, where annotations of several classes overlap.`
        ]
      : []),
    ...problems.slice(0, NAMED).map(describeProblem),
    ...(problems.length > NAMED
      ? [`${problems.length - NAMED} more in tables of annotations: the run's record has them.`]
      : [])
  ]
}

/** The figures of the held-out recordings, by class. */
export const summariseHoldout = (
  classes: ReadonlyArray<string>,
  totals: CorpusTotals,
  result: HoldoutResult | undefined
): RunSummary["holdout"] => ({
  recordings: result?.recordings ?? 0,
  accuracy: result?.accuracy ?? null,
  macroF1: result?.macroF1 ?? null,
  perClass: classes.map((className, label) => ({
    className,
    ...totals.classes.get(className)!,
    ...scoresOf(result?.perClass[label])
  })),
  confusion: result?.confusion ?? []
})

/** What the `.keras` file's classifier made of the held-out recordings. */
export const summariseKeras = (result: HoldoutResult | undefined) => ({
  accuracy: result?.accuracy ?? null,
  macroF1: result?.macroF1 ?? null
})

const scoresOf = (score: ClassScore | undefined) => {
  const known = score !== undefined && score.support > 0
  return {
    support: score?.support ?? 0,
    precision: known ? score.precision : null,
    recall: known ? score.recall : null,
    f1: known ? score.f1 : null
  }
}

/** What the model hears in the field, without the curves. */
export const summariseField = ({ figures, difference }: FieldJudgement): typeof FieldScores.Type | null =>
  figures === undefined
    ? null
    : {
        judgedBy: figures.judgedBy,
        hours: figures.hours,
        events: figures.events,
        sources: figures.sources,
        rates: ALARM_RATES,
        recallAtAlarms: figures.recallAtAlarms,
        perClass: figures.classes.map(({ curve: _, bands: __, thresholds: ___, ...own }) => own),
        comparison: difference ?? null
      }
