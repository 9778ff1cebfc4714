import { describe, expect, test } from "bun:test"
import { type EventSettings, findEvents } from "../../../src/classifier/events/findEvents.ts"

const TIMES = { window: 0.96, hop: 0.48 }
const CLASSES = ["dog", "shot"]
const SETTINGS: EventSettings = {
  smoothing: 1,
  thresholds: { start: 0.75, stay: 0.5 },
  perClass: {},
  mergeGap: 0
}

/** Probabilities of the second class in each window; the first has what is left. */
const windowsOf = (...shots: ReadonlyArray<number>) => Float32Array.from(shots.flatMap((shot) => [1 - shot, shot]))

const shotsIn = (probabilities: Float32Array, settings: Partial<EventSettings> = {}, seconds = 1000) =>
  findEvents(probabilities, CLASSES, TIMES, seconds, { ...SETTINGS, ...settings }).filter(
    (event) => event.class === "shot"
  )

describe("findEvents", () => {
  test("begins and ends with windows above the lower threshold, and tells their peak and mean", () => {
    const events = shotsIn(windowsOf(0, 0.5, 1, 0.75, 0.25, 0))
    expect(events).toEqual([{ class: "shot", start: 0.48, end: 2.4, peak: 1, mean: 0.75, windows: 3 }])
  })

  test("leaves out what never reaches the upper threshold", () => {
    expect(shotsIn(windowsOf(0, 0.625, 0.625, 0))).toEqual([])
  })

  test("ends with the recording, whose last window reaches beyond it", () => {
    expect(shotsIn(windowsOf(0, 1), {}, 1.2)).toMatchObject([{ start: 0.48, end: 1.2 }])
  })

  test("merges neighbours that are no further apart than the gap", () => {
    const apart = windowsOf(1, 0, 0, 0, 1)
    expect(shotsIn(apart, { mergeGap: 0.9 })).toHaveLength(2)
    expect(shotsIn(apart, { mergeGap: 0.96 })).toMatchObject([{ start: 0, end: 2.88, windows: 5, peak: 1 }])
  })

  test("windows that overlap though none between them was loud enough are one event", () => {
    expect(shotsIn(windowsOf(1, 0, 1))).toMatchObject([{ start: 0, end: 1.92 }])
  })

  test("takes each class's own thresholds, and those of the others for the rest", () => {
    const events = findEvents(windowsOf(1, 0.25), CLASSES, TIMES, 10, {
      ...SETTINGS,
      perClass: { dog: { start: 0.8, stay: 0.8 } }
    })
    expect(events.map((event) => event.class)).toEqual(["shot"])
  })

  test("thresholds are of smoothed probabilities, peaks are not", () => {
    const lone = windowsOf(0, 0, 1, 0, 0)
    const twins = windowsOf(0, 1, 1, 0)
    const settings = { smoothing: 3, thresholds: { start: 0.6, stay: 0.6 } }
    expect(shotsIn(lone, settings)).toEqual([])
    expect(shotsIn(twins, settings)).toMatchObject([{ windows: 2, peak: 1, mean: 1 }])
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
})
