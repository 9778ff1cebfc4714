import { expect, test } from "bun:test"
import { Effect, Stream } from "effect"
import { codeVectors } from "../../src/embeddings/scans/coding.ts"
import type { ScannedRecording, WindowSegment } from "../../src/embeddings/scans/scannedRecording.ts"
import { makeScanRecipe } from "../../src/embeddings/scans/scanRecipe.ts"
import { Scans } from "../../src/embeddings/scans/scans.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { tiny } from "../support/tinyEmbedder.ts"

const recipe = makeScanRecipe({ ...tiny, hash: "none" }, "float32")
const sizes = Object.values(tiny.frontEnd.vectors)
const width = sizes.reduce((sum, size) => sum + size, 0)

/** A short recording, whole in one segment. */
const segmentOf = (minute: number): WindowSegment => {
  const key = `field_audio/ridge/${minute}.wav`
  const recording: ScannedRecording = {
    ...{ key, etag: "1", size: 1, contentHash: `${minute}`.repeat(64), beginning: `${minute}`, site: "ridge" },
    ...{ seconds: 2, windows: 3, sampleRate: 16_000, repairs: [], facts: {} }
  }
  const windows = codeVectors(
    Float32Array.from({ length: 3 * width }, (_, i) => (i * minute) % 7),
    sizes
  )
  return { key, etag: "1", first: 0, windows, recording }
}

test("a part is read once for all recordings that begin in it, whatever their order", async () => {
  const store = memoryStore(new Map())
  const read: Array<string> = []
  const watched = Store.of({
    ...store,
    get: (key) => {
      read.push(key)
      return store.get(key)
    }
  })
  const loaded = await Effect.runPromise(
    Effect.gen(function* () {
      const scans = yield* Scans
      yield* scans.append(recipe, [1, 3, 5].map(segmentOf))
      yield* scans.append(recipe, [2, 4, 6].map(segmentOf))
      const known = yield* scans.index(recipe)
      read.length = 0
      const inTime = [...known.recordings.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
      return yield* Stream.runCollect(scans.load(recipe, known, inTime))
    }).pipe(Effect.provide(Scans.layer), Effect.provideService(Store, watched), Effect.scoped)
  )
  expect(read).toHaveLength(2)
  expect(loaded.map(({ recording }) => recording.beginning)).toEqual(["1", "3", "5", "2", "4", "6"])
  expect(loaded.every(({ recording, segment }) => segment.key === recording.key)).toBe(true)
})
