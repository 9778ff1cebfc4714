import { expect, test } from "bun:test"
import { readSelections, scoreTables } from "../../bench/experiments/fieldScores.ts"

const TRUTH = `Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\tSNR (dB)
1\tSpectrogram 1\t1\t100.000\t101.500\t0\t24000\tgun_shot\t12.0
2\tSpectrogram 1\t1\t200.000\t201.500\t0\t24000\tgun_shot\t-1.0
3\tSpectrogram 1\t1\t300.000\t302.500\t0\t24000\tdog_bark\t5.0
4\tSpectrogram 1\t1\t400.000\t401.500\t0\t24000\tgun_shot\t15.0
`

const detections = (rows: ReadonlyArray<readonly [start: number, end: number, species: string, score: number]>) =>
  [
    "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\tConfidence",
    ...rows.map(([start, end, species, score], at) => [at + 1, start, end, species, score].join("\t"))
  ].join("\r\n")

test("tables of Raven are scored by hand-counted figures", () => {
  const truth = readSelections(TRUTH)
  expect(truth[1]).toEqual({ start: 200, end: 201.5, class: "gun_shot", score: 1, snr: -1 })
  const heard = readSelections(
    detections([
      // The shot at 100 s, twice; nothing; the one at 400 s; two false ones; the one at 200 s.
      [99, 102, "gun_shot", 0.9],
      [102, 105, "gun_shot", 0.85],
      [101, 104, "gun_shot", 0.85],
      [399, 402, "gun_shot", 0.7],
      [600, 603, "gun_shot", 0.6],
      [700, 703, "gun_shot", 0.5],
      [198, 201, "gun_shot", 0.4],
      // A dog where a shot was, and where a dog was.
      [100, 103, "dog_bark", 0.8],
      [300, 303, "dog_bark", 0.3]
    ])
  )
  // In an hour: the detection beside the shot is a false alarm, so at one an hour there is no room for another.
  const [dog, , middle, , gun, faint, , clear] = scoreTables([{ truth, detections: heard }], 3600)
  expect(gun).toMatchObject({ className: "gun_shot", band: "all", events: 3, found: [2, 3, 3] })
  // Precision where each shot is found: 1 of 1, 2 of 3, 3 of 6.
  expect(gun!.averagePrecision).toBeCloseTo((1 + 2 / 3 + 3 / 6) / 3, 12)
  expect(faint).toMatchObject({ band: "-3 to 3 dB", events: 1, found: [0, 1, 1] })
  expect(clear).toMatchObject({ band: "9 to 15 dB", events: 2, found: [2, 2, 2] })
  expect(dog).toMatchObject({ className: "dog_bark", events: 1, found: [1, 1, 1] })
  expect(middle).toMatchObject({ className: "dog_bark", band: "3 to 9 dB", events: 1, found: [1, 1, 1] })
})

test("a recording without detections finds nothing, and a table without times is refused", () => {
  const rows = scoreTables([{ truth: readSelections(TRUTH), detections: [] }], 3600)
  expect(rows.filter(({ band }) => band === "all").map(({ found }) => found)).toEqual([
    [0, 0, 0],
    [0, 0, 0]
  ])
  expect(() => readSelections("Selection\tSpecies\n1\tdog")).toThrow("A table needs the columns begin time (s)")
})
