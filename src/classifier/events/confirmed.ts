import { ofClass } from "../../store/className.ts"
import type { HeardEvent, WindowTimes } from "./event.ts"
import { type EventSettings, findEvents } from "./findEvents.ts"

/** Seconds over which the windows reach that nearly every event of a class fills; of a class that is not there nothing is known. */
export type Lasting = Readonly<Record<string, number>>

/**
 * What each window says, confirmed by those beside it: the highest geometric mean of a class's probability in consecutive
 * windows, itself among them, as many as reach over what its class lasts. Whatever sounds is in two windows at least that
 * overlap, and what fewer of them take for an event had better not outdo what all do. Windows that do not overlap stay as they
 * are, but for classes that last; of a recording with fewer windows all count.
 *
 * @param probabilities [windows * classes], in the order of the recording, without gaps.
 */
export const confirmed = (
  probabilities: Float32Array,
  classes: ReadonlyArray<string>,
  times: WindowTimes,
  lasting: Lasting = {}
): Float32Array => {
  const windows = probabilities.length / classes.length
  const least = Math.round(times.window / times.hop) < 2 ? 1 : 2
  const result = new Float32Array(probabilities.length)
  for (const [column, name] of classes.entries()) {
    const count = Math.min(windows, Math.max(least, windowsIn(ofClass(lasting, name) ?? 0, times)))
    const means = Array.from({ length: windows - count + 1 }, (_, first) => {
      let product = 1
      for (let at = first; at < first + count; at++) product *= probabilities[at * classes.length + column]!
      return count === 2 ? Math.sqrt(product) : product ** (1 / count)
    })
    for (let at = 0; at < windows; at++) {
      let highest = 0
      for (let first = Math.max(0, at - count + 1); first <= Math.min(at, windows - count); first++) {
        highest = Math.max(highest, means[first]!)
      }
      result[at * classes.length + column] = highest
    }
  }
  return result
}

/**
 * The events in the windows of one recording, each window confirmed by those beside it. An event of a class that lasts begins
 * and ends where two windows say so: the mean of many reaches beyond.
 */
export const confirmedEvents = (
  probabilities: Float32Array,
  classes: ReadonlyArray<string>,
  times: WindowTimes,
  seconds: number,
  settings: EventSettings,
  lasting: Lasting = {}
): ReadonlyArray<HeardEvent> => {
  const pairs = confirmed(probabilities, classes, times)
  const isPlain = Object.keys(lasting).length === 0
  const heard = isPlain ? pairs : confirmed(probabilities, classes, times, lasting)
  return findEvents(heard, classes, times, seconds, settings, pairs)
}

/** Consecutive windows that lie within so many seconds. */
const windowsIn = (seconds: number, { window, hop }: WindowTimes): number =>
  1 + Math.floor((seconds - window) / hop + ROUNDING)

/** 3 × 0.48 is not 1.44. */
const ROUNDING = 1e-6
