import { expect, test } from "bun:test"
import { Deferred, Effect, Layer, Stream } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { planRelabel, readChange, writeChange } from "../../src/review/changes.ts"
import { Changes } from "../../src/service/changeRunner.ts"
import { Corpus } from "../../src/service/corpus.ts"
import { MOVES_BEGUN_PREFIX, recordingKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"

test("what a service that died had begun is not undone while the next one is about to go on with it", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const key = recordingKey("dog", "a.wav")
      const inner = memoryStore(new Map([[key, new TextEncoder().encode("a")]]))
      const isLooking = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const wait = Effect.andThen(Deferred.succeed(isLooking, undefined), Deferred.await(goOn))
      const store = Store.of({
        ...inner,
        list: (prefix, after) =>
          prefix === MOVES_BEGUN_PREFIX
            ? Stream.unwrap(Effect.as(wait, inner.list(prefix, after)))
            : inner.list(prefix, after)
      })
      const here = Effect.provideService(Store, inner)
      const change = yield* planRelabel([key], "cat", () => false)
      yield* here(writeChange(change))
      yield* Effect.gen(function* () {
        const changes = yield* Changes
        yield* Deferred.await(isLooking)
        expect(yield* Effect.flip(changes.undo(change.id))).toMatchObject({ status: 409 })
        yield* Deferred.succeed(goOn, undefined)
        while (changes.progress() !== undefined) yield* Effect.sleep(1)
      }).pipe(
        Effect.provide(
          Changes.layer.pipe(
            Layer.provide(Corpus.layer),
            Layer.provide(Layer.succeed(Store, store)),
            Layer.provide(Settings.layer)
          )
        )
      )
      expect(yield* here(readChange(change.id))).toMatchObject({ value: { state: "done", failed: [] } })
      expect((yield* inner.find(recordingKey("cat", "a.wav")))._tag).toBe("Some")
    })
  ))
