import { ofClass } from "../../store/className.ts"
import type { HeardEvent, WindowTimes } from "./event.ts"

/** Which peaks are told as events. */
export interface EventSettings {
  /** The least probability of a peak, of a class that `perClass` does not name. */
  readonly threshold: number
  readonly perClass: Readonly<Record<string, number>>
}

/** The share of its peak's probability that a window of an event has at least. */
const PEAK_SHARE = 0.5

/** The windows of an event: the one where it peaks, the first and the last. */
interface Peak {
  readonly at: number
  readonly first: number
  readonly last: number
}

/**
 * The events in the windows of one recording, by their start and then in the order of the classes.
 *
 * An event belongs to a peak of its class's probability, and holds the windows around it of at least half as much. Peaks
 * are taken in falling order, and what one has taken belongs to none other; nor do windows that overlap it, so that events
 * of a class never overlap. A threshold decides which peaks are told, never where an event begins or ends: that is where
 * its first window does and its last one, or the recording.
 *
 * @param probabilities [windows * classes], in the order of the recording, without gaps.
 * @param seconds of the recording, beyond which no event reaches.
 * @param ends The same windows, more sharply: at its ends an event has none of less than half its peak there.
 */
export const findEvents = (
  probabilities: Float32Array,
  classes: ReadonlyArray<string>,
  { window, hop }: WindowTimes,
  seconds: number,
  { threshold, perClass }: EventSettings,
  ends: Float32Array = probabilities
): ReadonlyArray<HeardEvent> => {
  const width = classes.length
  const beside = Math.round(window / hop) - 1
  return classes
    .flatMap((name, column) => {
      const series = columnOf(probabilities, width, column)
      const edges = columnOf(ends, width, column)
      return peaksOf(series, ofClass(perClass, name) ?? threshold, beside).map((peak): HeardEvent => {
        const { at } = peak
        const { first, last } = trimmed(peak, edges, PEAK_SHARE * series[at]!)
        const own = series.subarray(first, last + 1)
        return {
          start: rounded(first * hop),
          end: rounded(Math.min(last * hop + window, seconds)),
          class: name,
          peak: series[at]!,
          mean: own.reduce((sum, value) => sum + value, 0) / own.length,
          windows: own.length
        }
      })
    })
    .sort((a, b) => a.start - b.start)
}

/** One class's probability in each window. */
export const columnOf = (probabilities: Float32Array, width: number, column: number): Float32Array =>
  Float32Array.from({ length: probabilities.length / width }, (_, at) => probabilities[at * width + column]!)

/** The peaks of at least this height, each with its windows, in the recording's order; so many beside it are nobody's. */
const peaksOf = (series: Float32Array, least: number, beside: number): ReadonlyArray<Peak> => {
  const windows = series.length
  const heightAt = (at: number) => series[at] ?? Number.NEGATIVE_INFINITY
  const tops: Array<number> = []
  for (let at = 0; at < windows; at++) {
    const own = heightAt(at)
    if (own >= least && own >= heightAt(at - 1) && own >= heightAt(at + 1)) tops.push(at)
  }
  const isTaken = new Uint8Array(windows)
  const peaks: Array<Peak> = []
  for (const at of tops.sort((a, b) => heightAt(b) - heightAt(a) || a - b)) {
    if (isTaken[at]) continue
    const isOwn = (other: number) => !isTaken[other] && heightAt(other) >= PEAK_SHARE * heightAt(at)
    let [first, last] = [at, at]
    while (first > 0 && isOwn(first - 1)) first--
    while (last < windows - 1 && isOwn(last + 1)) last++
    isTaken.fill(1, Math.max(0, first - beside), last + 1 + beside)
    peaks.push({ at, first, last })
  }
  return peaks.sort((a, b) => a.first - b.first)
}

/** A peak without the windows at its ends that have less; the same where all have. */
const trimmed = (peak: Peak, series: Float32Array, least: number): Peak => {
  let { first, last } = peak
  while (first <= last && series[first]! < least) first++
  while (last > first && series[last]! < least) last--
  return first > last ? peak : { ...peak, first, last }
}

/** To a microsecond: 3 × 0.48 is 1.44. */
const rounded = (seconds: number): number => Math.round(seconds * 1e6) / 1e6
