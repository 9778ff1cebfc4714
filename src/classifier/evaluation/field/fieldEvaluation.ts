import type { AlarmRate } from "../../../config/alarmRates.ts"
import type { WindowTimes } from "../../events/event.ts"
import {
  type ClassSweep,
  compareFields,
  type FieldDifference,
  type FieldFigures,
  fieldFigures,
  type Judge
} from "./fieldFigures.ts"
import { type Band, type ScoredRecording, sweepWindows } from "./sweep.ts"

/** The rate of false alarms an hour at which two classifiers are compared. */
export const COMPARED_RATE: AlarmRate = 5

/** What one head heard of one part. */
export interface ScoredPart {
  readonly part: string
  readonly heard: ReadonlyArray<ScoredRecording>
}

/** How a head hears in the field, in all parts together and in each. */
export interface HeadInField {
  readonly head: string
  readonly figures: FieldFigures
  readonly parts: ReadonlyArray<{ readonly part: string; readonly figures: FieldFigures }>
}

/** What heads hear of sources that they were not trained on. */
export interface FieldEvaluation {
  readonly snr: readonly [number, number]
  readonly perHour: number
  readonly heads: ReadonlyArray<HeadInField>
  /** Each head after the first, and the first (`promoted`), at five false alarms an hour. */
  readonly differences: ReadonlyArray<FieldDifference & { readonly head: string; readonly over: string }>
  readonly notes: ReadonlyArray<string>
}

/** The sweeps of every class but the background, over recordings that one or more classifiers of these classes heard. */
export const sweepClasses = (
  heard: ReadonlyArray<ScoredRecording>,
  classes: ReadonlyArray<string>,
  background: string,
  times: WindowTimes,
  bands: ReadonlyArray<Band>
): ReadonlyArray<ClassSweep> =>
  classes
    .filter((className) => className !== background)
    .map((className) => ({ className, sweep: sweepWindows(heard, classes, className, times, bands) }))

/** Figures of heads that heard the same; `sweep` is `sweepClasses` of their classes. */
export const headsInField = (
  heads: ReadonlyArray<{ readonly head: string; readonly parts: ReadonlyArray<ScoredPart> }>,
  bands: ReadonlyArray<Band>,
  judgedBy: Judge,
  sweep: (heard: ReadonlyArray<ScoredRecording>) => ReadonlyArray<ClassSweep>
): Pick<FieldEvaluation, "heads" | "differences"> => {
  const swept = heads.map(({ head, parts }) => ({
    head,
    parts,
    sweeps: sweep(parts.flatMap(({ heard }) => heard))
  }))
  const [base, ...others] = swept
  return {
    heads: swept.map(({ head, parts, sweeps }) => ({
      head,
      figures: fieldFigures(sweeps, bands, judgedBy),
      parts:
        parts.length < 2
          ? []
          : parts.map(({ part, heard }) => ({ part, figures: fieldFigures(sweep(heard), bands, judgedBy) }))
    })),
    differences: others.flatMap(({ head, sweeps }) => {
      const difference = compareFields(sweeps, base!.sweeps, COMPARED_RATE)
      return difference === undefined ? [] : [{ head, over: base!.head, ...difference }]
    })
  }
}
