import { expect, test } from "bun:test"
import { Effect } from "effect"
import { findSuspects } from "../../src/review/suspects.ts"
import { seededRandom, shuffled } from "../../src/sound/random.ts"
import { gaussian } from "../support/problems.ts"

const CLASSES = ["dog", "engine", "gun"]

/** Recordings that lean towards the class that they are of, labelled as `labelOf` says. */
const corpus = (count: number, labelOf: (row: number) => string, distance = 1) => {
  const random = seededRandom(4)
  const vectors = Float32Array.from({ length: count * 1024 }, (_, i) =>
    Math.max(0, gaussian(random) + ((i % 1024) % 30 === Math.floor(i / 1024) % 3 ? 2 * distance : 0))
  )
  const recordings = Array.from({ length: count }, (_, row) => ({
    key: `extracted_audio/${labelOf(row)}/${String(row).padStart(4, "0")}.wav`,
    className: labelOf(row),
    group: "one source",
    contentHash: String(row),
    peak: 1
  }))
  return { width: 1024, recordings, vectors }
}
const find = (...input: Parameters<typeof corpus>) => Effect.runPromise(findSuspects(corpus(...input)))

test("planted wrong labels lead the list, with the class that they are of, a score and a reason", async () => {
  const wrong = new Set([...shuffled(120, seededRandom(2))].slice(0, 6))
  const suspects = await find(120, (row) => CLASSES[(row + (wrong.has(row) ? 1 : 0)) % 3]!)
  expect(
    suspects
      .slice(0, 6)
      .map(({ key }) => Number(key.slice(-8, -4)))
      .sort((a, b) => a - b)
  ).toEqual([...wrong].sort((a, b) => a - b))
  for (const { key, suggested, score, className, why } of suspects.slice(0, 6)) {
    expect(suggested).toBe(CLASSES[Number(key.slice(-8, -4)) % 3]!)
    expect(score).toBeWithin(0.3, 1)
    expect(why).toMatch(
      new RegExp(
        `^Of the 10 recordings that .*, \\d+ are ${suggested} and \\d+ ${className}; .* says ${suggested} with \\d+ %`
      )
    )
  }
  expect(suspects.map(({ score }) => score)).toEqual(suspects.map(({ score }) => score).sort((a, b) => b - a))
})

test("right labels give an empty list, and so does one class, or nothing", async () => {
  expect(await find(90, (row) => CLASSES[row % 3]!, 2)).toEqual([])
  expect(await find(9, () => "dog")).toEqual([])
  expect(await find(0, () => "dog")).toEqual([])
})

test("one recording in a class, a class of 3 beside one of 100, 40 classes of two: a list, and no crash", async () => {
  expect(await find(30, (row) => (row === 7 ? "fox" : CLASSES[row % 3]!))).toBeArray()
  expect(await find(103, (row) => (row < 3 ? "rare" : "common"))).toBeArray()
  expect(await find(80, (row) => `class${row % 40}`)).toBeArray()
})
