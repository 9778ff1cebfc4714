import type { HeardEvent, WindowTimes } from "./event.ts"
import { smooth } from "./smooth.ts"

/** When a class's probability makes an event. */
export interface Thresholds {
  /** An event has a window of at least this probability, */
  readonly start: number
  /** and goes on in both directions while windows have at least this one. */
  readonly stay: number
}

/** How windows' probabilities become events. */
export interface EventSettings {
  /** Windows over which each class's probability is averaged, itself in their middle: an odd number, 1 for none. */
  readonly smoothing: number
  /** Of a class that `perClass` does not name. */
  readonly thresholds: Thresholds
  readonly perClass: Readonly<Record<string, Thresholds>>
  /** Events of one class with no more than so many seconds between them are one. */
  readonly mergeGap: number
}

/** Windows from `first` to `last` of one class that belong together. */
interface Span {
  readonly first: number
  last: number
}

/**
 * The events in the windows of one recording, by their start and then in the order of the classes.
 *
 * An event is a run of windows that one above the upper threshold starts and that goes on above the lower one (hysteresis);
 * thresholds apply to smoothed probabilities, while peak and mean are of the windows as they were heard. It begins where
 * its first window does and ends where its last one does, or the recording.
 *
 * @param probabilities [windows * classes], in the order of the recording, without gaps.
 * @param seconds of the recording, beyond which no event reaches.
 */
export const findEvents = (
  probabilities: Float32Array,
  classes: ReadonlyArray<string>,
  { window, hop }: WindowTimes,
  seconds: number,
  settings: EventSettings
): ReadonlyArray<HeardEvent> => {
  const width = classes.length
  const smoothed = smooth(probabilities, width, settings.smoothing)
  return classes
    .flatMap((name, column) => {
      const thresholds = settings.perClass[name] ?? settings.thresholds
      return mergeSpans(spansOf(smoothed, width, column, thresholds), ({ last }, { first }) => {
        return first * hop - (last * hop + window) <= settings.mergeGap
      }).map(({ first, last }): HeardEvent => {
        let [peak, sum] = [0, 0]
        for (let at = first; at <= last; at++) {
          const value = probabilities[at * width + column]!
          peak = Math.max(peak, value)
          sum += value
        }
        const windows = last - first + 1
        return {
          start: rounded(first * hop),
          end: rounded(Math.min(last * hop + window, seconds)),
          class: name,
          peak,
          mean: sum / windows,
          windows
        }
      })
    })
    .sort((a, b) => a.start - b.start)
}

/** The runs of windows of a class that stay above the lower threshold and reach the upper one. */
const spansOf = (
  probabilities: Float32Array,
  width: number,
  column: number,
  { start, stay }: Thresholds
): ReadonlyArray<Span> => {
  const spans: Array<Span> = []
  const least = Math.min(start, stay)
  let first = -1
  let reached = false
  const windows = probabilities.length / width
  for (let at = 0; at <= windows; at++) {
    const value = at < windows ? probabilities[at * width + column]! : Number.NEGATIVE_INFINITY
    if (value >= least) {
      if (first < 0) first = at
      reached ||= value >= start
      continue
    }
    if (reached) spans.push({ first, last: at - 1 })
    first = -1
    reached = false
  }
  return spans
}

const mergeSpans = (
  spans: ReadonlyArray<Span>,
  areNeighbours: (before: Span, after: Span) => boolean
): ReadonlyArray<Span> => {
  const merged: Array<Span> = []
  for (const span of spans) {
    const before = merged.at(-1)
    if (before !== undefined && areNeighbours(before, span)) before.last = span.last
    else merged.push({ ...span })
  }
  return merged
}

/** To a microsecond: 3 × 0.48 is 1.44. */
const rounded = (seconds: number): number => Math.round(seconds * 1e6) / 1e6
