import { expect, test } from "bun:test"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { Corpus } from "../../src/service/corpus.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { Store, StoreError } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { fieldRecording } from "../support/scanWorld.ts"

const bytesOf = (text: string) => new TextEncoder().encode(text)
const hashOf = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex")

test("what lands or goes while the recordings are being listed is counted as it is", async () => {
  const objects = new Map(["a", "b", "c", "m", "n"].map((name) => [recordingKey("dog", `${name}.wav`), bytesOf(name)]))
  const keys = await Effect.runPromise(
    Effect.gen(function* () {
      const listing = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      // Its first request has been answered when the second one waits.
      const store = memoryStore(objects, Effect.andThen(Deferred.succeed(listing, undefined), Deferred.await(goOn)))
      return yield* Effect.gen(function* () {
        const corpus = yield* Corpus
        const asked = yield* Effect.forkChild(corpus.snapshot)
        yield* Deferred.await(listing)
        yield* corpus.added({ key: recordingKey("dog", "0.wav"), etag: "0", size: 1 })
        yield* corpus.removed([recordingKey("dog", "n.wav")])
        yield* Deferred.succeed(goOn, undefined)
        yield* Fiber.join(asked)
        return (yield* corpus.snapshot).objects.map(({ key }) => key)
      }).pipe(
        Effect.provide(
          Corpus.layer.pipe(Layer.provide(Layer.succeed(Store, store)), Layer.provideMerge(Settings.layer))
        )
      )
    })
  )
  expect(keys).toEqual(["0", "a", "b", "c", "m"].map((name) => recordingKey("dog", `${name}.wav`)))
})

test("a recording is found by its bytes, whoever put it there", async () => {
  const objects = new Map(["one", "two"].map((name) => [recordingKey("dog", `${name}.wav`), bytesOf(name)]))
  const found = await Effect.runPromise(
    Effect.gen(function* () {
      const { keyOf } = yield* Corpus
      const find = (text: string) => keyOf(hashOf(bytesOf(text)), bytesOf(text))
      return [yield* find("two"), yield* find("six"), yield* find("three")]
    }).pipe(
      Effect.provide(
        Corpus.layer.pipe(Layer.provide(Layer.succeed(Store, memoryStore(objects))), Layer.provideMerge(Settings.layer))
      )
    )
  )
  expect(found).toEqual([recordingKey("dog", "two.wav"), undefined, undefined])
})

test("a recording that may not be read bars no other of its size from being uploaded", async () => {
  const objects = new Map(["one", "two"].map((name) => [recordingKey("dog", `${name}.wav`), bytesOf(name)]))
  const inner = memoryStore(objects)
  const denied = (key: string) => new StoreError({ reason: "denied", key, message: `${key} cannot be read.` })
  const store = Store.of({
    ...inner,
    get: (key) => (key.endsWith("one.wav") ? Effect.fail(denied(key)) : inner.get(key))
  })
  const found = await Effect.runPromise(
    Corpus.use(({ keyOf }) => keyOf(hashOf(bytesOf("two")), bytesOf("two"))).pipe(
      Effect.provide(Corpus.layer.pipe(Layer.provide(Layer.succeed(Store, store)), Layer.provideMerge(Settings.layer)))
    )
  )
  expect(found).toBe(recordingKey("dog", "two.wav"))
})

test("what tables of annotations cut out counts as new, but not what a run could not use", async () => {
  const objects = new Map<string, Uint8Array>(
    ["dog", "cat"].map((name) => [recordingKey(name, "a.wav"), bytesOf(name)])
  )
  objects.set("field_audio/ridge/a.wav", fieldRecording(20, 1))
  objects.set("annotations/ridge/a.csv", bytesOf("start,end,label\n2,3,dog\n7,8,cat\n"))
  const counts = await Effect.runPromise(
    Effect.gen(function* () {
      const corpus = yield* Corpus
      const fresh = Effect.map(Effect.andThen(corpus.forget, corpus.news(1)), (news) => news.fresh)
      // One that is being written is left until it is whole.
      const first = yield* fresh
      const second = yield* fresh
      yield* corpus.skipped(["field_audio/ridge/a.wav#t=2,3&class=dog"])
      return [first, second, yield* fresh]
    }).pipe(
      Effect.provide(
        Corpus.layer.pipe(Layer.provide(Layer.succeed(Store, memoryStore(objects))), Layer.provideMerge(Settings.layer))
      )
    )
  )
  expect(counts).toEqual([2, 4, 3])
})
