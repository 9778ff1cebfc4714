import { confirmedEvents, type Lasting } from "../../events/confirmed.ts"
import type { WindowTimes } from "../../events/event.ts"
import { columnOf } from "../../events/findEvents.ts"
import { matchDetections, type Span } from "./match.ts"
import type { BedPart, TrueEvent } from "./soundscape.ts"

/** What truly sounds in a recording, and the probabilities that a classifier gave its windows. */
export interface ScoredRecording {
  readonly seconds: number
  readonly events: ReadonlyArray<TrueEvent>
  readonly bed: ReadonlyArray<BedPart>
  /** [windows * classes], in the recording's order. */
  readonly probabilities: Float32Array
  /** How long the classifier's classes last, where it tells. */
  readonly lasting?: Lasting | undefined
}

/**
 * A class's events and false alarms at falling thresholds, counted by source, so that sources can be drawn anew.
 * Everything is [groups], or [thresholds][groups].
 */
export interface Sweep {
  readonly groups: ReadonlyArray<string>
  readonly hours: Float64Array
  readonly events: Float64Array
  /** The events of each band of signal-to-noise ratio. */
  readonly banded: ReadonlyArray<Float64Array>
  readonly steps: ReadonlyArray<Step>
}

/** Counts at one threshold. */
export interface Step {
  readonly threshold: number
  readonly found: Float64Array
  readonly foundInBand: ReadonlyArray<Float64Array>
  readonly alarms: Float64Array
}

/** From one signal-to-noise ratio to another, in dB; the upper one belongs to the next band. */
export interface Band {
  readonly from: number
  readonly to: number
}

/** Three bands as wide as each other. */
export const bandsOf = ([least, most]: readonly [number, number]): ReadonlyArray<Band> =>
  Array.from({ length: BANDS }, (_, at) => ({
    from: least + (at * (most - least)) / BANDS,
    to: least + ((at + 1) * (most - least)) / BANDS
  }))

const BANDS = 3

const isIn = ({ snr }: TrueEvent, { from, to }: Band, isLast: boolean): boolean =>
  snr !== undefined && snr >= from && (snr < to || (isLast && snr <= to))

/**
 * Sweeps a class's threshold over the peaks of its events, the highest first; windows become events as they do in a scan,
 * and those that a threshold tells are matched with the true ones.
 */
export const sweepWindows = (
  heard: ReadonlyArray<ScoredRecording>,
  classes: ReadonlyArray<string>,
  className: string,
  times: WindowTimes,
  bands: ReadonlyArray<Band>
): Sweep => {
  const column = classes.indexOf(className)
  const events = heard.map(({ probabilities, seconds, lasting }) => {
    const series = columnOf(probabilities, classes.length, column)
    return confirmedEvents(series, [className], times, seconds, ALL_PEAKS, lasting)
  })
  const thresholds = thresholdsOf(events.flatMap((own) => own.map(({ peak }) => peak)))
  return sweepDetections(heard, className, bands, thresholds, (threshold) =>
    events.map((own) => own.filter(({ peak }) => peak >= threshold))
  )
}

const ALL_PEAKS = { threshold: 0, perClass: {} }

/** The peaks at which something changes: each of the highest, then ever fewer. */
const thresholdsOf = (peaks: ReadonlyArray<number>): ReadonlyArray<number> => {
  const all = peaks.toSorted((a, b) => b - a)
  const chosen: Array<number> = []
  for (let rank = 0; rank < all.length; rank = Math.max(rank + 1, Math.round(rank * RANK_GROWTH))) {
    if (all[rank] !== chosen.at(-1)) chosen.push(all[rank]!)
  }
  return chosen
}

const RANK_GROWTH = 1.03

/** The same for detections that are given for each threshold; thresholds fall. */
export const sweepDetections = (
  recordings: ReadonlyArray<Pick<ScoredRecording, "seconds" | "events" | "bed">>,
  className: string,
  bands: ReadonlyArray<Band>,
  thresholds: ReadonlyArray<number>,
  detectionsAt: (threshold: number) => ReadonlyArray<ReadonlyArray<Span>>
): Sweep => {
  const groups = [...new Set(recordings.flatMap(({ events, bed }) => [...events, ...bed].map(({ source }) => source)))]
  const place = new Map(groups.map((group, at) => [group, at]))
  const zeros = () => new Float64Array(groups.length)
  const truth = recordings.map(({ events }) => events.filter((event) => event.class === className))
  const count = (isCounted: (event: TrueEvent, at: number, recording: number) => boolean) => {
    const counts = zeros()
    for (const [recording, own] of truth.entries()) {
      for (const [at, event] of own.entries()) {
        if (isCounted(event, at, recording)) counts[place.get(event.source)!]! += 1
      }
    }
    return counts
  }
  const inBand = (band: Band, at: number) => (event: TrueEvent) => isIn(event, band, at === bands.length - 1)
  const hours = zeros()
  for (const { seconds, bed } of recordings) {
    for (const [at, { start, source }] of bed.entries()) {
      hours[place.get(source)!]! += ((bed[at + 1]?.start ?? seconds) - start) / 3600
    }
  }
  return {
    groups,
    hours,
    events: count(() => true),
    banded: bands.map((band, at) => count(inBand(band, at))),
    steps: thresholds.map((threshold): Step => {
      const alarms = zeros()
      const matched = detectionsAt(threshold).map((detections, recording) => {
        const result = matchDetections(truth[recording]!, detections)
        for (const [at, isFalse] of result.isFalse.entries()) {
          if (isFalse) alarms[place.get(sourceAt(recordings[recording]!, detections[at]!))!]! += 1
        }
        return result
      })
      const isFound = (_: TrueEvent, at: number, recording: number) => matched[recording]!.found[at]!
      return {
        threshold,
        found: count(isFound),
        foundInBand: bands.map((band, own) =>
          count((event, at, recording) => inBand(band, own)(event) && isFound(event, at, recording))
        ),
        alarms
      }
    })
  }
}

/** The source that sounds in the middle of a detection: of an event, else of the background. */
const sourceAt = ({ events, bed }: Pick<ScoredRecording, "events" | "bed">, { start, end }: Span): string => {
  const middle = (start + end) / 2
  const event = events.find((own) => own.start <= middle && middle < own.end)
  return (event ?? bed.findLast((part) => part.start <= middle) ?? bed[0]!).source
}

/** A class's figures where sources count so often. */
export interface SweptFigures {
  /** The share found at each rate of false alarms an hour. */
  readonly recalls: ReadonlyArray<number>
  /** The same for each band: [bands][rates]. */
  readonly banded: ReadonlyArray<ReadonlyArray<number>>
  readonly averagePrecision: number
  /** The lowest threshold that keeps each rate; just above all that was heard where none does. */
  readonly thresholds: ReadonlyArray<number>
}

/**
 * The best recall of the thresholds above the first that brings more false alarms an hour than a rate allows, for each of
 * `rates` (the lowest first), and the average precision over all thresholds: an event found or a false alarm counts one.
 * NaN without events or hours.
 */
export const measureSweep = (
  { hours, events, banded, steps }: Sweep,
  rates: ReadonlyArray<number>,
  counts: ArrayLike<number>
): SweptFigures => {
  const sum = (values: Float64Array) => values.reduce((total, value, at) => total + value * counts[at]!, 0)
  const [all, time, inBand] = [sum(events), sum(hours), banded.map(sum)]
  const best = { found: 0, foundInBand: banded.map(() => 0) }
  const thresholds: Array<number> = []
  let kept = beyond(steps[0]?.threshold ?? 0)
  const recalls: Array<number> = []
  const bandRecalls = banded.map((): Array<number> => [])
  let [precisionSum, reached] = [0, 0]
  const close = () => {
    recalls.push(time === 0 ? Number.NaN : best.found / all)
    thresholds.push(kept)
    for (const [band, own] of bandRecalls.entries()) own.push(best.foundInBand[band]! / inBand[band]!)
  }
  for (const step of steps) {
    const [found, alarms] = [sum(step.found), sum(step.alarms)]
    while (recalls.length < rates.length && alarms > rates[recalls.length]! * time + 1e-9) close()
    if (found > best.found) {
      best.found = found
      best.foundInBand = step.foundInBand.map(sum)
    }
    if (found > reached) {
      precisionSum += ((found - reached) * found) / (found + alarms)
      reached = found
    }
    kept = step.threshold
    if (recalls.length === rates.length && reached === all) break
  }
  while (recalls.length < rates.length) close()
  return { recalls, banded: bandRecalls, averagePrecision: precisionSum / all, thresholds }
}

/** Just above a probability, as a model gives them. */
const beyond = (probability: number): number => Math.fround(probability * (1 + 2 ** -23))
