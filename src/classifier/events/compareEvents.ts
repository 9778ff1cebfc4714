import type { Event } from "./event.ts"

/** An event that two models hear at other times, in windows that overlap. */
export interface MovedEvent {
  readonly before: Event
  readonly after: Event
}

/** What one model hears and another does not. */
export interface EventChanges {
  /** Heard by the second model alone. */
  readonly gained: ReadonlyArray<Event>
  /** Heard by the first model alone. */
  readonly lost: ReadonlyArray<Event>
  /** Heard by both, but not from the same start to the same end. */
  readonly moved: ReadonlyArray<MovedEvent>
  /** Heard by both, from the same start to the same end. */
  readonly same: number
}

/**
 * Compares what two models heard in the same recordings. Events of one class and recording that overlap are one event,
 * each paired with the one of the other model that it overlaps longest; what is left over was gained or lost.
 */
export const compareEvents = (before: ReadonlyArray<Event>, after: ReadonlyArray<Event>): EventChanges => {
  const gained: Array<Event> = []
  const lost: Array<Event> = []
  const moved: Array<MovedEvent> = []
  let same = 0
  const place = (event: Event) => `${event.recording}\0${event.class}`
  const others = Map.groupBy(after, place)
  const own = Map.groupBy(before, place)
  for (const key of new Set([...own.keys(), ...others.keys()])) {
    const [left, right] = [own.get(key) ?? [], others.get(key) ?? []]
    const taken = pairByOverlap(left, right)
    for (const [at, event] of left.entries()) {
      const match = taken.get(at)
      if (match === undefined) lost.push(event)
      else if (right[match]!.start === event.start && right[match]!.end === event.end) same++
      else moved.push({ before: event, after: right[match]! })
    }
    const matched = new Set(taken.values())
    gained.push(...right.filter((_, at) => !matched.has(at)))
  }
  return {
    gained: gained.sort(byPlace),
    lost: lost.sort(byPlace),
    moved: moved.sort((a, b) => byPlace(a.after, b.after)),
    same
  }
}

/** The longest overlap first, each event in one pair at most: places in `left` to places in `right`. */
const pairByOverlap = (left: ReadonlyArray<Event>, right: ReadonlyArray<Event>): ReadonlyMap<number, number> => {
  const from = right.toSorted((a, b) => a.start - b.start)
  const places = new Map(right.map((event, at) => [event, at]))
  const overlaps = left.flatMap((a, at) => {
    const found: Array<{ readonly at: number; readonly other: number; readonly seconds: number }> = []
    for (const b of from) {
      if (b.start >= a.end) break
      const seconds = Math.min(a.end, b.end) - Math.max(a.start, b.start)
      if (seconds > 0) found.push({ at, other: places.get(b)!, seconds })
    }
    return found
  })
  const pairs = new Map<number, number>()
  const taken = new Set<number>()
  for (const { at, other } of overlaps.sort((a, b) => b.seconds - a.seconds || a.at - b.at || a.other - b.other)) {
    if (pairs.has(at) || taken.has(other)) continue
    pairs.set(at, other)
    taken.add(other)
  }
  return pairs
}

const byPlace = (a: Event, b: Event): number =>
  a.recording < b.recording ? -1 : a.recording > b.recording ? 1 : a.start - b.start || (a.class < b.class ? -1 : 1)
