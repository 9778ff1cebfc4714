import { expect, test } from "bun:test"
import { Effect } from "effect"
import { describeMap, marksOf } from "../../src/classifier/dataMap.ts"
import { mainDirections, mapRecordings } from "../../src/classifier/mapRecordings.ts"
import { corpus } from "../support/trainingRuns.ts"

const map = (samples: ReturnType<typeof corpus>) =>
  Effect.runPromise(mapRecordings({ vectors: { embedding: 1024 }, samples }))

test("recordings of one class lie together, in the same places again", async () => {
  const samples = corpus(20, 1.2)
  const found = await map(samples)
  expect(found).toEqual(await map(samples))
  expect([found.method, found.points.length, found.recordings]).toEqual(["umap", 100, 100])
  for (const { x, y } of found.points) for (const value of [x, y]) expect(value).toBeWithin(0, 1.0001)
  const nearestOf = (at: number) => {
    const own = found.points[at]!
    const apart = found.points.map(({ x, y }, other) => (other === at ? 9 : Math.hypot(x - own.x, y - own.y)))
    return found.points[apart.indexOf(Math.min(...apart))]!
  }
  const together = found.points.filter(({ className }, at) => nearestOf(at).className === className)
  expect(together.length).toBeGreaterThan(95)
}, 20_000)

test("a large corpus is drawn from, and the map says so", async () => {
  const [first] = corpus(1)
  const samples = Array.from({ length: 2100 }, (_, at) => ({
    ...first!,
    key: `extracted_audio/dog/${at}.wav`,
    vector: first!.vector.map((value, i) => value + (i === at % 1024 ? 3 : 0))
  }))
  const found = await map(samples)
  expect(found.points).toHaveLength(2000)
  expect(new Set(found.points.map(({ key }) => key)).size).toBe(2000)
  expect(describeMap(found)).toStartWith("2,000 of 2,100 recordings, drawn at random.")
}, 60_000)

test("few recordings lie along their main directions; one, or all the same, lie in the middle", async () => {
  for (const [count, method] of [
    [5, "pca"],
    [15, "pca"],
    [16, "umap"],
    [17, "umap"]
  ] as const) {
    const samples = corpus(4)
      .filter(({ variant }) => variant === "original")
      .slice(0, count)
    expect(await map(samples)).toMatchObject({ method, recordings: count })
  }
  const points = Float32Array.of(0, 0, 3, 4, 6, 8, 3, 4.5)
  const along = mainDirections(points, 2)
  expect(Math.abs(along[0]![0] - along[2]![0])).toBeCloseTo(10, 1)
  expect(Math.abs(along[1]![1] - along[3]![1])).toBeCloseTo(0.3, 1)
  const [one] = corpus(1)
  expect((await map([one!])).points).toMatchObject([{ x: 0.5, y: 0.5 }])
  expect((await map([one!, one!])).points).toMatchObject([{ x: 0.5 }, { x: 0.5 }])
  expect((await map([])).points).toEqual([])
})

test("no two of 24 classes are drawn alike, and the others share a grey dot", () => {
  const points = Array.from({ length: 200 }, (_, at) => ({ key: "", className: `class${at}`, x: 0, y: 0 }))
  const marks = [...marksOf({ points }).values()]
  expect(new Set(marks.map(({ colour, path }) => `${colour} ${path}`)).size).toBe(25)
  expect(marks.filter(({ colour }) => colour === undefined)).toHaveLength(176)
  for (let at = 1; at < 24; at++) {
    expect(marks[at]!.colour).not.toBe(marks[at - 1]!.colour)
    expect(marks[at]!.path).not.toBe(marks[at - 1]!.path)
  }
})
