/** A time as a recorder's clock showed it. */
export interface WallClock {
  /** What the clock showed, as milliseconds since 1970 as if it had shown UTC. */
  readonly shown: number
  /** How far it was ahead of UTC, in minutes; undefined where nothing says so. */
  readonly offset?: number
}

const TIME =
  /(\d{4})[-/]?(\d{2})[-/]?(\d{2})[ T_$]+T?(\d{2})[-:.]?(\d{2})[-:.]?(\d{2})(?:[.,](\d{1,6}))?(?:_?(Z|[+-]\d{2}:?\d{2}))?(?![\d])/

/** The minutes of "+10:00", "-0430" and "Z". */
export const offsetOf = (text: string): number => {
  if (text === "Z") return 0
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(-2))]
  return (text.startsWith("-") ? -1 : 1) * (60 * hours + minutes)
}

/** A clock that shows this, undefined if no clock does. */
export const wallClock = (
  [year, month, day, hour, minute, second]: ReadonlyArray<number>,
  milliseconds = 0,
  offset?: number
): WallClock | undefined => {
  if (offset !== undefined && Math.abs(offset) > 14 * 60) return undefined
  const shown = Date.UTC(year!, month! - 1, day, hour, minute, second, milliseconds)
  const back = new Date(shown)
  const isReal =
    year! >= 1970 &&
    back.getUTCMonth() === month! - 1 &&
    back.getUTCDate() === day &&
    back.getUTCHours() === hour &&
    back.getUTCMinutes() === minute &&
    back.getUTCSeconds() === second
  return isReal ? { shown, ...(offset !== undefined && { offset }) } : undefined
}

/** The first time in a text, as ISO 8601 writes it or near enough, and where it stands. */
export const findTime = (text: string): (WallClock & { readonly at: number; readonly end: number }) | undefined => {
  for (let from = 0; ; ) {
    const match = TIME.exec(text.slice(from))
    if (match === null) return undefined
    const at = from + match.index
    const milliseconds = match[7] === undefined ? 0 : Math.round(1000 * Number(`0.${match[7]}`))
    const offset = match[8] === undefined ? undefined : offsetOf(match[8])
    const found = wallClock(match.slice(1, 7).map(Number), milliseconds, offset)
    // Digits in front belong to another number.
    if (found !== undefined && !/\d/.test(text[at - 1] ?? "")) return { ...found, at, end: at + match[0].length }
    from = at + 1
  }
}

const ASKED =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:[0-5]\d)?)?)?)?)?$/

/**
 * A time as people ask for it, cut where they like: `2026`, `2026-05-31`, `2026-05-31T04:30`, the last two with an offset
 * from UTC where one is meant. What is cut off has just begun. Undefined for a day or an hour that there is not.
 */
export const readTime = (text: string): WallClock | undefined => {
  const found = ASKED.exec(text)
  if (found === null) return undefined
  const [, year, month = "1", day = "1", hour = "0", minute = "0", second = "0", fraction = "0", offset] = found
  const milliseconds = Math.round(1000 * Number(`0.${fraction}`))
  const parts = [year, month, day, hour, minute, second].map(Number)
  return wallClock(parts, milliseconds, offset === undefined ? undefined : offsetOf(offset))
}

/** Milliseconds since 1970; as if it had shown UTC where the clock does not say how far it was ahead. */
export const instantOf = ({ shown, offset = 0 }: WallClock): number => shown - 60_000 * offset

const pad = (value: number): string => String(value).padStart(2, "0")

/**
 * "2025-06-12T05:00:12+10:00", without an offset where none is known. So many seconds after the clock showed its time,
 * "2025-06-12T05:00:12.250+10:00", always with milliseconds: readers of tables want all times of a column alike.
 */
export const formatClock = ({ shown, offset }: WallClock, seconds?: number): string => {
  const time = new Date(Math.round(shown + 1000 * (seconds ?? 0))).toISOString()
  const text = time.replace(seconds === undefined ? /(\.000)?Z$/ : /Z$/, "")
  if (offset === undefined) return text
  const size = Math.abs(offset)
  return `${text}${offset < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`
}
