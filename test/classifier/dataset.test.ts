import { expect, test } from "bun:test"
import { Effect } from "effect"
import { makeDataset, type Sample, vectorsOf } from "../../src/classifier/dataset.ts"

const sample = (className: string, fill: number): Sample => ({
  key: `extracted_audio/${className}/1.wav`,
  className,
  group: "1",
  variant: "original",
  vector: new Float32Array(1024).fill(fill)
})
const messageOf = (samples: ReadonlyArray<Sample>) =>
  Effect.runSync(
    makeDataset(samples).pipe(
      Effect.flip,
      Effect.map(({ message }) => message)
    )
  )

test("labels are places among the sorted classes, and rows gather their samples' vectors", () => {
  const dataset = Effect.runSync(makeDataset([sample("gun", 1), sample("dog", 2), sample("gun", 3)]))
  expect(dataset.classes).toEqual(["dog", "gun"])
  expect([...dataset.labels]).toEqual([1, 0, 1])
  const gathered = vectorsOf(dataset, [2, 0])
  expect([gathered.length, gathered[0], gathered[1023], gathered[1024], gathered[2047]]).toEqual([2048, 3, 3, 1, 1])
})

test("fewer than two classes and vectors that are not 1,024 numbers are refused in one sentence", () => {
  expect(messageOf([])).toBe("A classifier needs recordings of at least two classes, but there are none.")
  expect(messageOf([sample("dog", 1)])).toBe(
    'A classifier needs recordings of at least two classes, but there is only "dog".'
  )
  const broken = "The embedding (original of extracted_audio/gun/1.wav) is not 1024 finite numbers."
  expect(messageOf([sample("dog", 1), sample("gun", Number.NaN)])).toBe(broken)
  expect(messageOf([sample("dog", 1), { ...sample("gun", 1), vector: new Float32Array(512) }])).toBe(broken)
})
