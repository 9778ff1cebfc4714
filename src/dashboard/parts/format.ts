/** `0.714` as `71.4 %`; a dash where there is no figure. */
export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)}\u00a0%`

const NUMBERS = new Intl.NumberFormat(undefined)

/** `1 recording`, `2,000 recordings`. */
export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${NUMBERS.format(count)} ${count === 1 ? one : more}`

/** `12 kB`, `3.4 MB`. */
export const bytes = (size: number): string =>
  size < 1e6 ? `${Math.max(1, Math.round(size / 1e3))}\u00a0kB` : `${(size / 1e6).toFixed(1)}\u00a0MB`

/** A run's id as the time in it, in the reader's own time zone. */
export const timeOf = (runId: string): string => {
  const iso = runId.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z.*$/, "$1-$2-$3T$4:$5:$6.$7Z")
  const date = new Date(iso)
  return Number.isNaN(date.getTime())
    ? runId
    : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })
}

/** A recording's file name. */
export const nameOf = (key: string): string => key.slice(key.lastIndexOf("/") + 1)

/** `3.4 s`, `1:02:05`. */
export const lengthOf = (seconds: number): string => {
  if (seconds < 60) return `${seconds.toFixed(1)}\u00a0s`
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)]
  const two = (part: number) => String(part).padStart(2, "0")
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

/** What a recorder's clock showed, wherever the reader is. */
export const clockOf = (at: string): string =>
  new Date(`${at.slice(0, 19)}Z`).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
    timeZone: "UTC"
  })

/** `2.3 hours`; minutes where it is less than two. */
export const hoursOf = (seconds: number): string =>
  seconds < 7200 ? counted(Math.round(seconds / 60), "minute") : counted(Math.round(seconds / 360) / 10, "hour")
