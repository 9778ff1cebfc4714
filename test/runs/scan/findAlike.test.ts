import { expect, test } from "bun:test"
import { Effect, Layer } from "effect"
import { codeVectors } from "../../../src/embeddings/scans/coding.ts"
import type { ScanRecipe } from "../../../src/embeddings/scans/scanRecipe.ts"
import { Scans } from "../../../src/embeddings/scans/scans.ts"
import { findAlike } from "../../../src/runs/scan/findAlike.ts"
import { KeptVectors } from "../../../src/runs/scan/firstVectors.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { Store } from "../../../src/store/store.ts"
import { memoryStore } from "../../support/memoryStore.ts"

const SIZES = [20, 7]
const COUNT = 60
const recipe: ScanRecipe = {
  id: "0123456789abcdef",
  parts: {
    embedder: { id: "none", window: 2, hop: 1, vectors: { first: 20, second: 7 } },
    weights: "",
    frontEnd: "",
    sampleRate: 1,
    listening: "",
    coding: "",
    precision: "float32"
  }
}

/** Windows of noise; at some places, the same direction at another loudness, nearer the smaller `off` is. */
const windowsOf = (seed: number, call: Float32Array, places: Readonly<Record<number, number>>) => {
  const random = seededRandom(seed)
  const rows = Float32Array.from({ length: COUNT * 27 }, () => random())
  for (const [place, off] of Object.entries(places)) {
    const loudness = 0.5 + random()
    for (let i = 0; i < 20; i++) rows[Number(place) * 27 + i] = loudness * (call[i]! + off * random())
  }
  return codeVectors(rows, SIZES)
}

test("what sounds most like a span is found in all that was heard, and again without reading it", async () => {
  const random = seededRandom(5)
  const call = Float32Array.from({ length: 20 }, (_, i) => (i % 4 === 0 ? 3 + random() : 0))
  const objects = new Map<string, Uint8Array>()
  const services = Scans.layer.pipe(Layer.provide(Layer.succeed(Store, memoryStore(objects))))
  const recordingOf = (name: string) => ({
    key: `field_audio/ridge/${name}.wav`,
    etag: name,
    size: 1,
    contentHash: name,
    beginning: name,
    site: "ridge",
    seconds: COUNT + 1,
    windows: COUNT,
    sampleRate: 1,
    repairs: [],
    facts: { startedAt: "2026-06-01T05:00:00" }
  })
  const heard = [
    // Of a call that lasts, the most alike alone is told.
    ["a", windowsOf(1, call, { 9: 0, 10: 0, 11: 0, 30: 0.02, 31: 0.4 })],
    ["b", windowsOf(2, call, { 50: 0.1 })],
    ["c", windowsOf(3, call, { 5: 0.3 })]
  ] as const
  const search = (kept: KeptVectors) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const scans = yield* Scans
        const known = yield* scans.index(recipe)
        const placed = heard.map(([name]) => ({ key: recordingOf(name).key, recording: recordingOf(name) }))
        const span = { recording: "field_audio/ridge/a.wav", start: 10, end: 12 }
        return yield* findAlike(recipe, known, placed, span, kept)
      }).pipe(Effect.provide(services))
    )
  await Effect.runPromise(
    Scans.use((scans) =>
      Effect.forEach(heard, ([name, windows]) => {
        const recording = recordingOf(name)
        return scans.append(recipe, [{ key: recording.key, etag: recording.etag, first: 0, windows, recording }])
      })
    ).pipe(Effect.provide(services))
  )

  const kept = new KeptVectors()
  const { found, searched } = await search(kept)
  expect(searched).toBe(3 * COUNT)
  expect(found.slice(0, 3).map(({ recording, start }) => [recording, start])).toEqual([
    ["field_audio/ridge/a.wav", 30],
    ["field_audio/ridge/b.wav", 50],
    ["field_audio/ridge/c.wav", 5]
  ])
  expect(found[0]!.likeness).toBeGreaterThan(0.99)
  expect(found[3]!.likeness).toBeLessThan(found[2]!.likeness)
  const decoded = ([, { ranges, codes }]: (typeof heard)[number], place: number) =>
    Array.from({ length: 20 }, (_, i) => ranges[4 * place]! + ranges[4 * place + 1]! * codes[i * COUNT + place]!)
  const [nine, ten, eleven] = [9, 10, 11].map((place) => decoded(heard[0], place))
  const query = ten!.map((value, i) => nine![i]! + value + eleven![i]!)
  const dot = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  for (const [rank, [of, place]] of (
    [
      [0, 30],
      [1, 50],
      [2, 5]
    ] as const
  ).entries()) {
    const other = decoded(heard[of], place)
    expect(found[rank]!.likeness).toBeCloseTo(dot(query, other) / Math.sqrt(dot(query, query) * dot(other, other)), 5)
  }
  objects.clear()
  expect(await search(kept)).toEqual({ found, searched })
})
