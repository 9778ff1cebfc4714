import { expect, test } from "bun:test"
import fc from "fast-check"
import { confirmed, confirmedEvents } from "../../../src/classifier/events/confirmed.ts"
import { findEvents } from "../../../src/classifier/events/findEvents.ts"

const OVERLAPPING = { window: 0.96, hop: 0.48 }

test("a window's probability is its geometric mean with its likelier neighbour's, for each class by itself", () => {
  const windows = Float32Array.of(0.25, 1, 1, 0.25, 0.0625, 0)
  expect([...confirmed(windows, ["shot", "dog"], OVERLAPPING)]).toEqual([0.5, 0.5, 0.5, 0.5, 0.25, 0])
})

test("a sound that two windows hear outdoes one that a single window is surer of", () => {
  const windows = Float32Array.of(0, 0, 1, 0.25, 0, 0, 0, 0.75, 0.75, 0, 0)
  const peaks = findEvents(confirmed(windows, ["shot"], OVERLAPPING), ["shot"], OVERLAPPING, 10, {
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
  expect(confirmed(windows, ["shot"], { window: 3, hop: 3 })).toEqual(windows)
  expect(confirmed(windows, ["shot", "dog", "clips"], OVERLAPPING)).toEqual(windows)
})

test("a class that lasts is confirmed by as many windows as its events are in", () => {
  const windows = Float32Array.of(0, 0, 1, 1, 0, 0.5, 0.5, 0.5, 0.5, 0, 0)
  // 2.4 s are four windows: two loud ones are none of its events.
  expect([...confirmed(windows, ["engine"], OVERLAPPING, { engine: 2.4 })]).toEqual([
    ...[0, 0, 0, 0, 0],
    ...[0.5, 0.5, 0.5, 0.5],
    ...[0, 0]
  ])
  expect(confirmed(windows, ["shot"], OVERLAPPING, { engine: 2.4 })).toEqual(confirmed(windows, ["shot"], OVERLAPPING))
  // Of three windows no more than three can.
  const [own] = confirmed(Float32Array.of(0.25, 0.5, 1), ["engine"], OVERLAPPING, { engine: 2.4 })
  expect(own).toBeCloseTo(0.5, 7)
})

test("an event of a class that lasts is as long as two windows hear it", () => {
  const windows = new Float32Array(20).fill(0.1).fill(0.9, 8, 13)
  const settings = { threshold: 0.5, perClass: {} }
  const engines = (lasts: number) =>
    confirmedEvents(windows, ["engine"], OVERLAPPING, 100, settings, { engine: lasts }).map(({ start, windows }) => ({
      start,
      windows
    }))
  expect(engines(2.88)).toEqual([{ start: 3.84, windows: 5 }])
  expect(engines(2.88)).toEqual(engines(0))
})

test("a class may have a name that every object has", () => {
  const windows = Float32Array.of(0.25, 1, 0.25)
  for (const name of ["constructor", "valueOf"]) {
    expect(confirmed(windows, [name], OVERLAPPING)).toEqual(confirmed(windows, ["shot"], OVERLAPPING))
  }
})

test("what lasts is confirmed by windows that do not overlap, too", () => {
  const apart = { window: 1, hop: 1 }
  expect([...confirmed(Float32Array.of(0.25, 1, 0), ["engine"], apart, { engine: 2.9 })]).toEqual([0.5, 0.5, 0])
})

test("confirming is no louder than the windows are, and leaves what sounds all the time as it is", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 0, max: 10 }),
      (values, lasts) => {
        const windows = Float32Array.from(values, (value) => value / 1000)
        const told = confirmed(windows, ["engine"], OVERLAPPING, { engine: lasts })
        expect(Math.max(...told)).toBeLessThanOrEqual(Math.max(...windows) * (1 + 1e-6))
        const even = confirmed(new Float32Array(values.length).fill(0.3), ["engine"], OVERLAPPING, { engine: lasts })
        for (const one of even) expect(one).toBeCloseTo(0.3, 6)
      }
    )
  )
})
