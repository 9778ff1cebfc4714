import { ALARM_RATES, type AlarmRate } from "../../../config/alarmRates.ts"
import { drawGroups, percentileInterval } from "../../bootstrap.ts"
import type { Figure } from "../figures.ts"
import { type Band, measureSweep, type Sweep, type SweptFigures } from "./sweep.ts"

/** How a classifier hears the events of one class in the field. */
export interface FieldClass {
  readonly className: string
  readonly events: number
  readonly sources: number
  /** The share found at each of `ALARM_RATES` false alarms an hour. */
  readonly recallAtAlarms: ReadonlyArray<Figure | null>
  /** The probability from which there are no more false alarms than that, and where it lies as sources are drawn anew. */
  readonly thresholds: ReadonlyArray<Figure>
  readonly bands: ReadonlyArray<
    Band & { readonly events: number; readonly recallAtAlarms: ReadonlyArray<Figure | null> }
  >
  readonly averagePrecision: Figure | null
  readonly curve: ReadonlyArray<{ readonly perHour: number; readonly recall: number }>
}

/** What it was heard in: made soundscapes, or field recordings of which somebody has said all that is to be heard. */
export const JUDGES = ["soundscapes", "recordings"] as const
export type Judge = (typeof JUDGES)[number]

/** How a classifier hears in the field. */
export interface FieldFigures {
  readonly judgedBy: Judge
  readonly hours: number
  readonly events: number
  readonly sources: number
  /** Each class's recall at each of `ALARM_RATES` false alarms of its own an hour, averaged over classes. */
  readonly recallAtAlarms: ReadonlyArray<Figure | null>
  readonly classes: ReadonlyArray<FieldClass>
  /** Classes of which nothing was there to be found: what is heard of them is false. */
  readonly silent: ReadonlyArray<Pick<FieldClass, "className" | "thresholds">>
}

/** A class's sweep. */
export interface ClassSweep {
  readonly className: string
  readonly sweep: Sweep
}

const RESAMPLES = 500

/** Figures of sweeps over the same recordings, with intervals over their sources; classes without events have no recall. */
export const fieldFigures = (
  sweeps: ReadonlyArray<ClassSweep>,
  bands: ReadonlyArray<Band>,
  judgedBy: Judge = "soundscapes"
): FieldFigures => {
  const heard = sweeps.filter(({ sweep }) => total(sweep.events) > 0)
  const measured = heard.map(({ sweep }) => resampled(sweep))
  const figureIn = ({ once, drawn }: Resampled, of: (swept: SweptFigures) => number) =>
    figureOf(of(once), drawn.map(of))
  const figures = (of: (swept: SweptFigures) => number, at: number) => figureIn(measured[at]!, of)
  const thresholdsOf = (one: Resampled) =>
    ALARM_RATES.map((_, rate) => figureIn(one, ({ thresholds }) => thresholds[rate]!)!)
  const mean = (rate: number, draw: (one: Resampled) => SweptFigures) =>
    measured.reduce((sum, one) => sum + draw(one).recalls[rate]!, 0) / measured.length
  return {
    judgedBy,
    hours: sweeps.length === 0 ? 0 : total(sweeps[0]!.sweep.hours),
    events: heard.reduce((sum, { sweep }) => sum + total(sweep.events), 0),
    sources: sweeps[0]?.sweep.groups.length ?? 0,
    recallAtAlarms: ALARM_RATES.map((_, rate) =>
      figureOf(
        mean(rate, ({ once }) => once),
        Array.from({ length: RESAMPLES }, (_, draw) => mean(rate, ({ drawn }) => drawn[draw]!))
      )
    ),
    classes: heard.map(({ className, sweep }, at) => ({
      className,
      events: total(sweep.events),
      sources: sweep.events.filter((count) => count > 0).length,
      recallAtAlarms: ALARM_RATES.map((_, rate) => figures(({ recalls }) => recalls[rate]!, at)),
      thresholds: thresholdsOf(measured[at]!),
      bands: bands.map((band, own) => ({
        ...band,
        events: total(sweep.banded[own]!),
        recallAtAlarms: ALARM_RATES.map((_, rate) => figures(({ banded }) => banded[own]![rate]!, at))
      })),
      averagePrecision: figures(({ averagePrecision }) => averagePrecision, at),
      curve: curveOf(sweep)
    })),
    silent: sweeps
      .filter(({ sweep }) => total(sweep.events) === 0)
      .map(({ className, sweep }) => ({ className, thresholds: thresholdsOf(resampled(sweep)) }))
  }
}

/** One classifier less another, both having heard the same recordings. */
export interface FieldDifference {
  /** False alarms of a class an hour. */
  readonly rate: number
  readonly candidate: number
  readonly promoted: number
  /** Where 95 % of the differences lie when the sources are drawn anew. */
  readonly interval: { readonly low: number; readonly high: number }
}

/** The mean recall of the classes at one of `ALARM_RATES`, of two classifiers; undefined without events of a class of both. */
export const compareFields = (
  candidate: ReadonlyArray<ClassSweep>,
  promoted: ReadonlyArray<ClassSweep>,
  rate: AlarmRate
): FieldDifference | undefined => {
  const own = candidate.filter(({ sweep }) => total(sweep.events) > 0)
  if (own.length === 0) return undefined
  const others = own.map(({ className }) => promoted.find((other) => other.className === className))
  const [left, right] = [own, others].map((sweeps) => {
    const measured = sweeps.map((one) => (one === undefined ? undefined : resampled(one.sweep, [rate])))
    // A class that it does not know is one that it does not hear.
    const meanOf = (draw: (one: Resampled) => SweptFigures) =>
      measured.reduce((sum, one) => sum + (one === undefined ? 0 : draw(one).recalls[0]!), 0) / measured.length
    return {
      once: meanOf(({ once }) => once),
      drawn: Array.from({ length: RESAMPLES }, (_, draw) => meanOf(({ drawn }) => drawn[draw]!))
    }
  }) as [{ once: number; drawn: Array<number> }, { once: number; drawn: Array<number> }]
  return {
    rate,
    candidate: left.once,
    promoted: right.once,
    interval: percentileInterval(left.drawn.map((value, draw) => value - right.drawn[draw]!))
  }
}

interface Resampled {
  readonly once: SweptFigures
  readonly drawn: ReadonlyArray<SweptFigures>
}

/** Measured once, and on draws that are the same for every sweep over the same recordings. */
const resampled = (sweep: Sweep, rates: ReadonlyArray<number> = ALARM_RATES): Resampled => ({
  once: measureSweep(
    sweep,
    rates,
    sweep.groups.map(() => 1)
  ),
  drawn: Array.from(drawGroups(sweep.groups, RESAMPLES), (counts) => measureSweep(sweep, rates, counts))
})

const figureOf = (value: number, drawn: ReadonlyArray<number>): Figure | null =>
  Number.isNaN(value) ? null : { value, ...percentileInterval(drawn) }

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0)

const curveOf = ({ hours, events, steps }: Sweep) => {
  const [time, all] = [total(hours), total(events)]
  return steps.map(({ found, alarms }) => ({ perHour: total(alarms) / time, recall: total(found) / all }))
}
