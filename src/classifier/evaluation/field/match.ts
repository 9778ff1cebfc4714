/** From one instant to another, in seconds from a recording's start. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** What detections of one class in one recording are worth. */
export interface Matched {
  /** For each true event, whether a detection counts for it. */
  readonly found: ReadonlyArray<boolean>
  /** For each detection, whether it is a false alarm. */
  readonly isFalse: ReadonlyArray<boolean>
}

/** Seconds by which an event may seem longer at either end: a window's length. */
const TOLERANCE = 1
/** The share of a detection that must lie in events, with their tolerance. */
const LEAST_SHARE = 0.2

/**
 * Matches detections with the true events of the same class and recording.
 *
 * A detection counts for every event that it overlaps, unless less than a fifth of it lies in events or within a second of
 * one: who says "a dog, all night long" has found no bark. An event is found once, however many detections count for it,
 * and none of these is a false alarm. A detection that counts for no event is one.
 */
export const matchDetections = (truth: ReadonlyArray<Span>, detections: ReadonlyArray<Span>): Matched => {
  const found = truth.map(() => false)
  const order = [...truth.keys()].sort((a, b) => truth[a]!.start - truth[b]!.start)
  const isFalse = detections.map((detection) => {
    const near = order.filter((at) => {
      const { start, end } = truth[at]!
      return start - TOLERANCE < detection.end && end + TOLERANCE > detection.start
    })
    const overlapped = near.filter((at) => truth[at]!.start < detection.end && truth[at]!.end > detection.start)
    const inside = covered(
      near.map((at) => truth[at]!),
      detection
    )
    if (overlapped.length === 0 || inside < LEAST_SHARE * (detection.end - detection.start)) return true
    for (const at of overlapped) found[at] = true
    return false
  })
  return { found, isFalse }
}

/** Seconds of a detection in events that are sorted by their start, with their tolerance. */
const covered = (events: ReadonlyArray<Span>, { start, end }: Span): number => {
  let [seconds, until] = [0, start]
  for (const event of events) {
    const from = Math.max(until, event.start - TOLERANCE)
    const to = Math.min(end, event.end + TOLERANCE)
    if (to <= from) continue
    seconds += to - from
    until = to
  }
  return seconds
}
