import { expect, test } from "bun:test"
import type { Event } from "../../src/classifier/events/event.ts"
import { orderEvents } from "../../src/service/eventQuery.ts"

const NOW = Date.UTC(2026, 5, 1)

const eventAt = (recording: string, at?: string): Event => ({
  ...{ recording, start: 0, end: 1, class: "dog_bark", peak: 0.9, mean: 0.8, windows: 2 },
  ...(at === undefined ? {} : { at })
})

test("by time, events of clocks that were never set or are ahead come behind all others", () => {
  const events = [
    eventAt("a", "9999-01-01T00:00:00.000"),
    eventAt("b", "2026-05-30T05:00:00.000"),
    eventAt("c"),
    eventAt("d", "1970-01-01T00:00:12.000"),
    eventAt("e", "2026-05-31T05:00:00.000+10:00")
  ]
  const ordered = (order: "newest" | "time") => orderEvents(events, order, NOW).map(({ recording }) => recording)
  expect(ordered("newest")).toEqual(["e", "b", "a", "c", "d"])
  expect(ordered("time")).toEqual(["b", "e", "a", "c", "d"])
})
