import { wallClock } from "./eventQuery.ts"

/** A recording of a site on its recorder's clock. */
export interface TimedRecording {
  readonly key: string
  /** As ISO 8601. */
  readonly startedAt: string
  readonly seconds: number
}

/** Where a site's recordings do not follow each other as they usually do. */
export interface Break {
  readonly kind: "gap" | "overlap"
  /** The recordings before and after it. */
  readonly before: string
  readonly after: string
  /** By the recorder's clock, without an offset. */
  readonly from: string
  readonly seconds: number
}

/** A pause that is longer than this, and twice as long as the site's usual one, is a gap: recorders sleep by schedule. */
const LEAST_GAP = 300
/** Clocks round to a second. */
const LEAST_OVERLAP = 2

/** The gaps and overlaps in what a site recorded, by time; many recorders at one site overlap, and are told apart by `recorder`. */
export const breaksOf = (recordings: ReadonlyArray<TimedRecording>): ReadonlyArray<Break> => {
  const sorted = recordings.toSorted((a, b) => wallClock(a.startedAt) - wallClock(b.startedAt))
  const pauses = sorted.slice(1).map((after, at) => {
    const before = sorted[at]!
    const end = wallClock(before.startedAt) + 1000 * before.seconds
    return { before, after, end, seconds: (wallClock(after.startedAt) - end) / 1000 }
  })
  const usual = median(pauses.map(({ seconds }) => Math.max(0, seconds)))
  return pauses.flatMap(({ before, after, end, seconds }): ReadonlyArray<Break> => {
    const place = { before: before.key, after: after.key }
    if (seconds > Math.max(LEAST_GAP, 2 * usual)) return [{ kind: "gap", ...place, from: clockText(end), seconds }]
    if (seconds >= -LEAST_OVERLAP) return []
    return [{ kind: "overlap", ...place, from: after.startedAt.slice(0, 19), seconds: -seconds }]
  })
}

const clockText = (time: number): string => new Date(time).toISOString().slice(0, 19)

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
