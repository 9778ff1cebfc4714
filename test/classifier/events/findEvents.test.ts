import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { type EventSettings, findEvents } from "../../../src/classifier/events/findEvents.ts"

const TIMES = { window: 0.96, hop: 0.48 }
const CLASSES = ["dog", "shot"]
const SETTINGS: EventSettings = { threshold: 0.75, perClass: {} }

/** Probabilities of the second class in each window; the first has what is left. */
const windowsOf = (...shots: ReadonlyArray<number>) => Float32Array.from(shots.flatMap((shot) => [1 - shot, shot]))

const shotsIn = (probabilities: Float32Array, settings: Partial<EventSettings> = {}, seconds = 1000) =>
  findEvents(probabilities, CLASSES, TIMES, seconds, { ...SETTINGS, ...settings }).filter(
    (event) => event.class === "shot"
  )

describe("findEvents", () => {
  test("holds the windows of at least half of its peak, and tells their peak and mean", () => {
    const events = shotsIn(windowsOf(0, 0.5, 1, 0.75, 0.25, 0))
    expect(events).toEqual([{ class: "shot", start: 0.48, end: 2.4, peak: 1, mean: 0.75, windows: 3 }])
  })

  test("leaves out what has no peak of the threshold", () => {
    expect(shotsIn(windowsOf(0, 0.625, 0.625, 0))).toEqual([])
  })

  test("two peaks with less than half between them are two events, at any threshold", () => {
    const two = windowsOf(0.125, 1, 0.25, 0.25, 0.75, 0.125)
    const places = [
      { start: 0.48, end: 1.44 },
      { start: 1.92, end: 2.88 }
    ]
    expect(shotsIn(two)).toMatchObject(places)
    expect(shotsIn(two, { threshold: 0.125 })).toMatchObject(places)
  })

  test("two peaks with more than half of the higher one between them are one event", () => {
    expect(shotsIn(windowsOf(0, 1, 0.625, 0.875, 0))).toMatchObject([{ start: 0.48, windows: 3 }])
  })

  test("the slope beside an event is none of its own", () => {
    expect(shotsIn(windowsOf(0.25, 0.375, 1, 0.375, 0.25), { threshold: 0.125 })).toMatchObject([{ windows: 1 }])
  })

  test("ends with the recording, whose last window reaches beyond it", () => {
    expect(shotsIn(windowsOf(0, 1), {}, 1.2)).toMatchObject([{ start: 0.48, end: 1.2 }])
  })

  test("takes each class's own threshold, and that of the others for the rest", () => {
    const settings = { ...SETTINGS, perClass: { dog: 0.8 } }
    const events = findEvents(windowsOf(1, 0.25), CLASSES, TIMES, 10, settings)
    expect(events.map((event) => event.class)).toEqual(["shot"])
  })

  test("begins and ends where other windows say so, which hear more sharply", () => {
    const blurred = Float32Array.of(0.5, 0.5, 0.75, 0.75, 0.75, 0.5, 0)
    const sharp = Float32Array.of(0, 0.25, 0.875, 0.125, 0.875, 0.25, 0)
    const shots = (ends?: Float32Array) => findEvents(blurred, ["shot"], TIMES, 10, SETTINGS, ends)
    expect(shots()).toMatchObject([{ start: 0, windows: 6 }])
    expect(shots(sharp)).toEqual([{ class: "shot", start: 0.96, end: 2.88, peak: 0.75, mean: 0.75, windows: 3 }])
    // Where they hear nothing, it is as long as it was.
    expect(shots(new Float32Array(7))).toEqual(shots())
  })

  test("a class may have a name that every object has", () => {
    for (const name of ["constructor", "toString"]) {
      expect(findEvents(Float32Array.of(0, 1, 0), [name], TIMES, 10, SETTINGS)).toMatchObject([{ class: name }])
    }
  })

  test("events of all classes come by their start", () => {
    const events = findEvents(windowsOf(1, 1, 0, 0, 1), CLASSES, TIMES, 10, SETTINGS)
    expect(events.map((event) => [event.class, event.start])).toEqual([
      ["shot", 0],
      ["dog", 0.96],
      ["shot", 1.92]
    ])
  })

  test("no windows, no events", () => {
    expect(shotsIn(new Float32Array())).toEqual([])
  })

  test("a threshold only chooses among events, which never overlap, whatever is heard", () => {
    const heard = fc
      .array(fc.nat(16), { maxLength: 60 })
      .map((values) => windowsOf(...values.map((value) => value / 16)))
    fc.assert(
      fc.property(heard, fc.nat(16), (probabilities, sixteenths) => {
        const all = shotsIn(probabilities, { threshold: 0 })
        const threshold = sixteenths / 16
        expect(shotsIn(probabilities, { threshold })).toEqual(all.filter(({ peak }) => peak >= threshold))
        for (const [at, { start }] of all.entries()) {
          if (at > 0) expect(start).toBeGreaterThanOrEqual(all[at - 1]!.end)
        }
      }),
      { seed: 1 }
    )
  })
})
