import { Schema } from "effect"
import type { Event } from "../classifier/events/event.ts"
import { mayBeRight } from "../sound/field/timeline.ts"
import { readTime } from "../sound/field/wallClock.ts"
import { siteOf } from "../store/keys.ts"
import { share } from "./stated.ts"

/** The first characters of a time by the recorder's clock: `2026`, `2026-05-31`, `2026-05-31T04:30`. */
const Clock = Schema.String.check(
  Schema.makeFilter((text) => /^[\d:T-]{1,19}$/.test(text) && readTime(text) !== undefined)
)

/** Which events are meant; what is left out may be anything. */
export const EventFilter = Schema.Struct({
  site: Schema.optionalKey(Schema.String),
  recording: Schema.optionalKey(Schema.String),
  class: Schema.optionalKey(Schema.String),
  /** Of the peak. */
  least: Schema.optionalKey(share),
  most: Schema.optionalKey(share),
  /** By the recorder's clock, both included; an event whose time is not known is in no such range. */
  since: Schema.optionalKey(Clock),
  until: Schema.optionalKey(Clock),
  judged: Schema.optionalKey(Schema.Literals(["yes", "no"]))
})
export type EventFilter = typeof EventFilter.Type

export const EVENT_ORDERS = ["newest", "time", "surest", "unsure"] as const
export type EventOrder = (typeof EVENT_ORDERS)[number]

/** An event, and what a person said that it is; null where nobody has yet. */
export interface JudgedEvent extends Event {
  readonly judged: string | null
}

/**
 * The events that a filter means; `placesOf` gives all keys at which a recording's content lies: a copy has the events of its
 * content.
 */
export const filterEvents = <E extends Event>(
  events: ReadonlyArray<E>,
  { site, recording, class: className, least = 0, most = 1, since, until, judged }: EventFilter,
  labelOf: (event: E) => string | undefined,
  placesOf: (recording: string) => ReadonlyArray<string>
): ReadonlyArray<E> =>
  events.filter(
    (event) =>
      (className === undefined || event.class === className) &&
      (recording === undefined || placesOf(event.recording).includes(recording)) &&
      (site === undefined || placesOf(event.recording).some((place) => siteOf(place) === site)) &&
      event.peak >= least &&
      event.peak <= most &&
      isWithin(event.at, since, until) &&
      (judged === undefined || (labelOf(event) !== undefined) === (judged === "yes"))
  )

const isWithin = (at: string | undefined, since: string | undefined, until: string | undefined): boolean => {
  if (since === undefined && until === undefined) return true
  if (at === undefined) return false
  return (since === undefined || at >= since) && (until === undefined || at.slice(0, until.length) <= until)
}

/**
 * The same in another order; those that are equal in it by recording and time. Where it is by time, events come last whose
 * recorder's clock told none, or at `now` (milliseconds since 1970) cannot have been right.
 */
export const orderEvents = <E extends Event>(
  events: ReadonlyArray<E>,
  order: EventOrder,
  now: number
): ReadonlyArray<E> =>
  events
    .map((event) => ({ event, at: event.at !== undefined && mayBeRight(event.at, now) ? event.at : undefined }))
    .sort((a, b) => differenceIn(order, a, b) || byPlace(a.event, b.event))
    .map(({ event }) => event)

/** An event, and when it was, where that is known. */
interface TimedEvent {
  readonly event: Event
  readonly at: string | undefined
}

const differenceIn = (order: EventOrder, a: TimedEvent, b: TimedEvent): number => {
  switch (order) {
    case "newest":
      return compareTexts(b.at ?? "", a.at ?? "")
    case "time":
      return compareTexts(a.at ?? "~", b.at ?? "~")
    case "surest":
      return b.event.peak - a.event.peak
    case "unsure":
      return Math.abs(a.event.peak - 0.5) - Math.abs(b.event.peak - 0.5)
  }
}

const byPlace = (a: Event, b: Event): number => compareTexts(a.recording, b.recording) || a.start - b.start

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** An hour of a day by the recorder's clock. */
export interface ActiveHour {
  readonly day: string
  readonly hour: number
  readonly events: number
  /** The share of it that was heard. */
  readonly heard: number
}

/** A recording as far as a plot of activity has to know it. */
export interface HeardSpan {
  /** As ISO 8601. */
  readonly startedAt: string
  readonly seconds: number
}

const HOUR = 3_600_000

/** Events by hour, and how much of each hour was heard; hours of which nothing was are left out. */
export const activityOf = (
  events: ReadonlyArray<Pick<Event, "at">>,
  spans: ReadonlyArray<HeardSpan>
): ReadonlyArray<ActiveHour> => {
  const hours = new Map<number, { events: number; milliseconds: number }>()
  const at = (time: number) => {
    const hour = Math.floor(time / HOUR)
    const found = hours.get(hour) ?? { events: 0, milliseconds: 0 }
    hours.set(hour, found)
    return found
  }
  for (const { startedAt, seconds } of spans) {
    const end = wallClock(startedAt) + 1000 * seconds
    for (let from = wallClock(startedAt); from < end; ) {
      const next = Math.min(end, (Math.floor(from / HOUR) + 1) * HOUR)
      at(from).milliseconds += next - from
      from = next
    }
  }
  for (const event of events) if (event.at !== undefined) at(wallClock(event.at)).events++
  return [...hours]
    .sort(([a], [b]) => a - b)
    .map(([hour, { events: count, milliseconds }]) => ({
      day: new Date(hour * HOUR).toISOString().slice(0, 10),
      hour: hour % 24,
      events: count,
      heard: Math.min(1, milliseconds / HOUR)
    }))
}

/** What the recorder's clock showed, as if it were UTC: days and hours are those of the place. */
const wallClock = (at: string): number => Date.parse(`${at.slice(0, 19)}Z`)
