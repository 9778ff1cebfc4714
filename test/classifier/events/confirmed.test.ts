import { expect, test } from "bun:test"
import { confirmed } from "../../../src/classifier/events/confirmed.ts"
import { findEvents } from "../../../src/classifier/events/findEvents.ts"

const OVERLAPPING = { window: 0.96, hop: 0.48 }

test("a window's probability is its geometric mean with its likelier neighbour's, for each class by itself", () => {
  const windows = Float32Array.of(0.25, 1, 1, 0.25, 0.0625, 0)
  expect([...confirmed(windows, 2, OVERLAPPING)]).toEqual([0.5, 0.5, 0.5, 0.5, 0.25, 0])
})

test("a sound that two windows hear outdoes one that a single window is surer of", () => {
  const windows = Float32Array.of(0, 0, 1, 0.25, 0, 0, 0, 0.75, 0.75, 0, 0)
  const peaks = findEvents(confirmed(windows, 1, OVERLAPPING), ["shot"], OVERLAPPING, 10, {
    threshold: 0.1,
    perClass: {}
  })
  expect(peaks.map(({ start, end, peak }) => ({ start, end, peak }))).toEqual([
    { start: 0.96, end: 2.4, peak: 0.5 },
    { start: 3.36, end: 4.8, peak: 0.75 }
  ])
})

test("windows that do not overlap, or have no neighbour, are as they are", () => {
  const windows = Float32Array.of(0.25, 1, 0.25)
  expect(confirmed(windows, 1, { window: 3, hop: 3 })).toEqual(windows)
  expect(confirmed(windows, 3, OVERLAPPING)).toEqual(windows)
})
