import { expect, test } from "bun:test"
import { mismatch, type WorkerAbout } from "../../../src/runs/cluster/roster.ts"

const ABOUT: WorkerAbout = {
  address: "10.0.0.4:4000",
  health: "http://10.0.0.4:8100/health",
  version: "1.0.0",
  weights: "a".repeat(64),
  embedder: "yamnet",
  store: "s3://bucket",
  engine: "native",
  adapter: "a processor",
  capacity: 2
}

test("workers may differ in engine and capacity", () => {
  expect(mismatch({ ...ABOUT }, [])).toBeUndefined()
  expect(mismatch(ABOUT, [ABOUT, { ...ABOUT, engine: "webgpu", adapter: "a card", capacity: 8 }])).toBeUndefined()
})

test.each([
  [{ version: "1.1.0" }, "The worker at 10.0.0.4:4000 runs version 1.0.0, but this is 1.1.0: stop the old workers"],
  [
    { store: "s3://other" },
    "The worker at 10.0.0.4:4000 works on s3://bucket, but this is for s3://other: one database"
  ],
  [{ weights: "b".repeat(64) }, "has the weights aaaaaaaaaaaa, but this is bbbbbbbbbbbb: give all workers the same"]
])("but not in %p", (difference, sentence) => {
  expect(mismatch({ ...ABOUT, ...difference }, [ABOUT])).toContain(sentence)
})
