import { expect, test } from "bun:test"
import fc from "fast-check"
import { compareFields, fieldFigures } from "../../../../src/classifier/evaluation/field/fieldFigures.ts"
import {
  bandsOf,
  measureSweep,
  type ScoredRecording,
  sweepDetections,
  sweepWindows
} from "../../../../src/classifier/evaluation/field/sweep.ts"

const BANDS = bandsOf([-3, 15])
const TIMES = { window: 1, hop: 0.5 }
const once = ({ groups }: { readonly groups: ReadonlyArray<string> }) => groups.map(() => 1)

/** Half an hour with shots at 100, 200, 300 and 400 s, the last one the faintest. */
const recording = {
  seconds: 1800,
  bed: [
    { start: 0, source: "wind" },
    { start: 900, source: "rain" }
  ],
  events: [100, 200, 300, 400].map((start, at) => ({
    start,
    end: start + 1,
    class: "gun",
    source: `gun ${at % 2}`,
    snr: 12 - 4 * at
  }))
}
const detection = (start: number) => ({ start, end: start + 1 })

test("recall at a rate is that of the lowest threshold which keeps it", () => {
  // Shots 1 and 2, a false alarm, shot 3, two more, shot 4.
  const detections = [100, 200, 1000, 300, 1100, 1200, 400].map((start, at) => ({
    ...detection(start),
    peak: 1 - at / 10
  }))
  const sweep = sweepDetections(
    [recording],
    "gun",
    BANDS,
    detections.map(({ peak }) => peak),
    (threshold) => [detections.filter(({ peak }) => peak >= threshold)]
  )
  // In half an hour, one false alarm is two an hour.
  const { recalls, banded, averagePrecision, thresholds } = measureSweep(sweep, [1, 2, 5, 6], once(sweep))
  expect(recalls).toEqual([0.5, 0.75, 0.75, 1])
  // 12 and 8, 4 and 0, below 3 dB none of those: bands are -3 to 3, 3 to 9, 9 to 15.
  expect(banded).toEqual([
    [0, 0, 0, 1],
    [0.5, 1, 1, 1],
    [1, 1, 1, 1]
  ])
  expect(averagePrecision).toBeCloseTo((1 + 1 + 3 / 4 + 4 / 7) / 4, 12)
  // The lowest before there are more false alarms.
  expect(thresholds).toEqual([0.9, 0.7, 0.6, 0.4])
  // False alarms belong to the background that they were heard in.
  expect(sweep.groups).toEqual(["gun 0", "gun 1", "wind", "rain"])
  expect([...sweep.steps.at(-1)!.alarms]).toEqual([0, 0, 0, 3])
  expect([...sweep.hours]).toEqual([0, 0, 0.25, 0.25])
})

const CLASSES = ["dog", "gun"]
/** Windows of which those that lie in events have this probability of a shot, and some others, two by two, that one. */
const heard = (inEvents: number, others: number): ScoredRecording => {
  const probabilities = new Float32Array(2 * 3600)
  for (let at = 0; at < 3600; at++) {
    const start = at * TIMES.hop
    const isInEvent = recording.events.some((event) => start + 1 > event.start && start < event.end)
    probabilities[2 * at + 1] = isInEvent ? inEvents : at % 600 === 300 || at % 600 === 301 ? others : 0.01
    probabilities[2 * at] = 1 - probabilities[2 * at + 1]!
  }
  return { ...recording, probabilities }
}

test("windows become events, and events figures", () => {
  const figuresOf = (own: ScoredRecording) => {
    const sweeps = CLASSES.map((className) => ({
      className,
      sweep: sweepWindows([own], CLASSES, className, TIMES, BANDS)
    }))
    return { sweeps, figures: fieldFigures(sweeps, BANDS) }
  }
  const [good, bad] = [figuresOf(heard(0.9, 0.5)), figuresOf(heard(0.5, 0.9))]
  expect(good.figures).toMatchObject({ hours: 0.5, events: 4, sources: 4 })
  // Nobody knows of a dog, so nothing says how many are found; all that is heard of them is false.
  expect(good.figures.classes.map(({ className }) => className)).toEqual(["gun"])
  expect(good.figures.silent).toMatchObject([{ className: "dog" }])
  const [, five] = good.figures.silent[0]!.thresholds
  const dogs = good.sweeps[0]!.sweep.steps.findLast(({ threshold }) => threshold >= five!.value)
  expect(dogs === undefined ? 0 : dogs.alarms.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(5 / 2)
  expect(good.figures.classes[0]!.recallAtAlarms.map((figure) => figure!.value)).toEqual([1, 1, 1])
  expect(good.figures.classes[0]!.averagePrecision!.value).toBe(1)
  // Six false alarms before the first shot are twelve an hour.
  expect(bad.figures.classes[0]!.recallAtAlarms.map((figure) => figure!.value)).toEqual([0, 0, 1])
  expect(bad.figures.classes[0]!.averagePrecision!.value).toBeCloseTo(0.4, 12)
  const compared = compareFields(bad.sweeps, good.sweeps, 5)!
  expect(compared).toMatchObject({ candidate: 0, promoted: 1 })
  expect(compared.interval.high).toBeLessThan(0)
  expect(compareFields(good.sweeps, good.sweeps, 5)!.interval).toEqual({ low: 0, high: 0 })
  // A model that does not know the class hears nothing of it.
  expect(compareFields(good.sweeps, [], 5)).toMatchObject({ candidate: 1, promoted: 0 })
})

test("a class that is always sure finds nothing", () => {
  const sweep = sweepWindows([heard(0.8, 0.8)], CLASSES, "gun", TIMES, BANDS)
  expect(measureSweep(sweep, [1, 5, 20], once(sweep)).recalls.at(-1)).toBe(1)
  const flat = { ...heard(0.8, 0.8), probabilities: new Float32Array(7200).fill(0.5) }
  const all = sweepWindows([flat], CLASSES, "gun", TIMES, BANDS)
  const { recalls, thresholds } = measureSweep(all, [1, 5, 20], once(all))
  expect(recalls).toEqual([0, 0, 0])
  // One event as long as the recording is a false alarm, two an hour: once an hour it is not told, and what is surer is.
  expect(thresholds[0]).toBeWithin(0.5 + 1e-9, 0.5001)
  expect(thresholds.slice(1)).toEqual([0.5, 0.5])
})

test("a threshold tells no more false alarms than its rate allows, whatever is heard", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 }), (values) => {
      const probabilities = Float32Array.from({ length: 7200 }, (_, at) => values[(at * 7) % 60]! / 1000)
      const sweep = sweepWindows([{ ...recording, probabilities }], CLASSES, "gun", TIMES, BANDS)
      const rates = [1, 5, 20]
      for (const [at, threshold] of measureSweep(sweep, rates, once(sweep)).thresholds.entries()) {
        const told = sweep.steps.findLast((step) => step.threshold >= threshold)
        const alarms = told?.alarms.reduce((sum, count) => sum + count, 0) ?? 0
        expect(alarms).toBeLessThanOrEqual(rates[at]! / 2)
      }
    }),
    { numRuns: 20 }
  )
})

test("recall grows with the rate, and lies between 0 and 1, whatever is heard", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 }), (values) => {
      const probabilities = Float32Array.from({ length: 7200 }, (_, at) => values[(at * 7) % 60]! / 1000)
      const sweep = sweepWindows([{ ...recording, probabilities }], CLASSES, "gun", TIMES, BANDS)
      const { recalls, averagePrecision } = measureSweep(sweep, [1, 5, 20, 1000], once(sweep))
      for (const [at, recall] of recalls.entries()) {
        expect(recall).toBeWithin(at === 0 ? 0 : recalls[at - 1]!, 1 + 1e-9)
      }
      expect(averagePrecision).toBeWithin(0, 1 + 1e-9)
    }),
    { numRuns: 20 }
  )
})
