import { expect, test } from "bun:test"
import { Effect, Layer } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { Scans } from "../../src/embeddings/scans/scans.ts"
import { judgedBy, type Placed } from "../../src/runs/scan/eventParts.ts"
import { Current } from "../../src/service/current.ts"
import { Field } from "../../src/service/field.ts"
import { eventsPrefix } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"

const MODEL = "20250601T000000000Z-aaaaaa"
const SETTINGS = { threshold: 0.5, perClass: {} }
const heard = { start: 1, end: 2, class: "dog_bark", peak: 0.9, mean: 0.8, windows: 2 }
const key = "field_audio/ridge/a.wav"
const placed = {
  key,
  recording: { key, contentHash: "ab".repeat(32), facts: {}, repairs: [] },
  events: [heard]
} as unknown as Placed

const objects = new Map<string, Uint8Array>()
const around = Field.layer.pipe(
  Layer.provide(
    Layer.succeed(Current, {
      model: Effect.succeedNone,
      forget: Effect.void,
      last: () => undefined,
      setAside: () => Effect.void
    })
  ),
  Layer.provide(Scans.layer),
  Layer.provideMerge(Settings.layer),
  Layer.provideMerge(Layer.succeed(Store, memoryStore(objects)))
)

test("events that are gone when they are read, and come back to the bit, are told again", async () => {
  const told = await Effect.gen(function* () {
    const field = yield* Field
    yield* (yield* judgedBy(MODEL)).write(SETTINGS, placed)
    // Listed with those of all models, before anybody asks for them.
    yield* field.models
    const parts = [...objects].filter(([key]) => key.startsWith(eventsPrefix(MODEL)))
    for (const [key] of parts) objects.delete(key)
    const without = yield* field.heard(MODEL)
    for (const [key, bytes] of parts) objects.set(key, bytes)
    yield* field.forget
    return [without, yield* field.heard(MODEL)].map((answer) => answer?.events.length)
  }).pipe(Effect.provide(around), Effect.runPromise)
  expect(told).toEqual([0, 1])
})
