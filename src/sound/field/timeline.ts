import { clockOf } from "./clock.ts"
import { findTime, formatClock, instantOf, type WallClock } from "./wallClock.ts"

/** A recording in time: when it began, by its recorder's clock, and how long it is. */
export interface Placed {
  readonly key: string
  readonly start: WallClock
  readonly seconds: number
  /** Which recorder it is of, where that is known. */
  readonly recorder?: string
}

/** What is odd about a recording, or about it and the one before. */
export interface Oddity {
  readonly kind: "gap" | "overlap" | "clock"
  /** The recording it is found at. */
  readonly key: string
  /** The one before, of the same recorder. */
  readonly before?: string
  /** How long the gap or the overlap is. */
  readonly seconds?: number
  /** In one sentence. */
  readonly what: string
}

/** Names are cut to the second, recorders need some to open the next file, and their clocks drift. */
const TOLERANCE = 5
/** Gaps that differ by less than this share of them are the same one, of a schedule; schedules by the sun move by minutes. */
const ALIKE = 0.05
/** A gap is part of a schedule if it occurs so often. */
const OFTEN = 3
/** A clock that shows less was never set: field recorders with files of these kinds are younger. */
const UNSET = Date.UTC(2005, 0)
/** Recordings of a site that lie so far from most others were made by a clock that is wrong. */
const FAR_DAYS = 366 * 2
const DAY = 86_400

/**
 * Says what is odd about the recordings of a site: gaps that no schedule explains, recordings of one recorder that
 * overlap, clocks that were never set, that are ahead of `now` (milliseconds since 1970), that jump, and that change their
 * offset from UTC.
 *
 * Each recorder is looked at by itself, in the order of its clock. A gap is explained where the same one occurs three times or more, as in
 * a schedule of minutes each hour, or of nights.
 */
export const findOddities = (recordings: ReadonlyArray<Placed>, now: number): ReadonlyArray<Oddity> => {
  const found: Array<Oddity> = []
  for (const of of Map.groupBy(recordings, ({ recorder = "" }) => recorder).values()) {
    const ordered = of.toSorted((a, b) => instantOf(a.start) - instantOf(b.start) || (a.key < b.key ? -1 : 1))
    const middle = ordered.length > 2 ? instantOf(ordered[ordered.length >> 1]!.start) : undefined
    const sound = ordered.filter((it) => {
      const wrong = wrongClock(it, middle, now)
      if (wrong !== undefined) found.push({ kind: "clock", key: it.key, what: wrong })
      return wrong === undefined
    })
    found.push(...betweenOf(sound))
  }
  return found
}

/** Whether a recorder's clock that showed this may have been right: set, and at `now` no more than a day ahead of UTC. */
export const mayBeRight = (time: string, now: number): boolean => {
  const start = findTime(time)
  return start !== undefined && start.shown >= UNSET && start.shown <= now + 1000 * DAY
}

const wrongClock = ({ start }: Placed, middle: number | undefined, now: number): string | undefined => {
  if (start.shown < UNSET) return `Its recorder's clock was never set: it shows ${formatClock(start)}.`
  if (start.shown > now + 1000 * DAY) return `Its recorder's clock is ahead: it shows ${formatClock(start)}.`
  const days = middle === undefined ? 0 : Math.abs(instantOf(start) - middle) / (1000 * DAY)
  if (days < FAR_DAYS) return undefined
  return `Its recorder's clock is wrong, or it is of another time: ${formatClock(start)} is ${Math.round(days)} days from most recordings of its recorder.`
}

/** What is odd between recordings of one recorder, in the order of its clock. */
const betweenOf = (ordered: ReadonlyArray<Placed>): ReadonlyArray<Oddity> => {
  const gaps = ordered.map((it, i) => {
    const before = ordered[i - 1]
    return before === undefined ? 0 : (instantOf(it.start) - instantOf(before.start)) / 1000 - before.seconds
  })
  const sorted = Float64Array.from(gaps).sort()
  return ordered.flatMap((it, i): ReadonlyArray<Oddity> => {
    const before = ordered[i - 1]
    if (before === undefined) return []
    const pair = { key: it.key, before: before.key }
    const found: Array<Oddity> = []
    const [now, then] = [it.start.offset, before.start.offset]
    if (now !== undefined && then !== undefined && now !== then) {
      const what = `Its recorder's clock is ${describeOffset(now)} from here on, after ${describeOffset(then)}.`
      found.push({ ...pair, kind: "clock", what })
    }
    const gap = gaps[i]!
    // The hour by which clocks are set twice a year.
    const hour = Math.abs(Math.abs(gap) - 3600) <= 60 ? ", as where a clock is set by an hour" : ""
    if (gap < -TOLERANCE) {
      const what = `It begins ${clockOf(-gap)} before ${before.key} ends${hour}.`
      found.push({ ...pair, kind: "overlap", seconds: -gap, what })
    }
    const like = Math.max(TOLERANCE, ALIKE * gap)
    const alike = countBelow(sorted, gap + like) - countBelow(sorted, gap - like)
    if (gap > TOLERANCE && alike < OFTEN) {
      const what = `Nothing was recorded for ${clockOf(gap)} before it, since ${before.key}${hour}.`
      found.push({ ...pair, kind: "gap", seconds: gap, what })
    }
    return found
  })
}

/** How many of sorted numbers are less than one. */
const countBelow = (sorted: Float64Array, limit: number): number => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < limit) low = middle + 1
    else high = middle
  }
  return low
}

const describeOffset = (minutes: number): string => {
  const size = Math.abs(minutes) / 60
  return minutes === 0 ? "at UTC" : `${size} h ${minutes < 0 ? "behind" : "ahead of"} UTC`
}
