import { expect, test } from "bun:test"
import { compareEvents } from "../../../src/classifier/events/compareEvents.ts"
import type { Event } from "../../../src/classifier/events/event.ts"

const event = (recording: string, start: number, end: number, name = "dog"): Event => ({
  recording,
  start,
  end,
  class: name,
  peak: 1,
  mean: 1,
  windows: 1
})

test("tells what is gained, lost, moved and the same, by recording and class", () => {
  const before = [event("a", 0, 1), event("a", 5, 8), event("b", 3, 4), event("b", 9, 10)]
  const after = [event("a", 0, 1), event("a", 6, 9), event("b", 3, 4, "shot"), event("c", 1, 2)]
  expect(compareEvents(before, after)).toEqual({
    same: 1,
    moved: [{ before: event("a", 5, 8), after: event("a", 6, 9) }],
    lost: [event("b", 3, 4), event("b", 9, 10)],
    gained: [event("b", 3, 4, "shot"), event("c", 1, 2)]
  })
})

test("pairs each event once, the longest overlap first", () => {
  const { moved, gained, lost } = compareEvents([event("a", 0, 10)], [event("a", 0, 2), event("a", 2, 10)])
  expect(moved).toEqual([{ before: event("a", 0, 10), after: event("a", 2, 10) }])
  expect(gained).toEqual([event("a", 0, 2)])
  expect(lost).toEqual([])
})

test("events that only touch are two", () => {
  const { gained, lost } = compareEvents([event("a", 0, 1)], [event("a", 1, 2)])
  expect([gained.length, lost.length]).toEqual([1, 1])
})
