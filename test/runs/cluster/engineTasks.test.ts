import { expect, test } from "bun:test"
import { Effect, Layer, Option } from "effect"
import { Settings } from "../../../src/config/settings.ts"
import { engineLayer } from "../../../src/embedder/choose.ts"
import { Embeddings } from "../../../src/embeddings/embeddings.ts"
import { makeRecipe } from "../../../src/embeddings/recipe.ts"
import type { ShardTask } from "../../../src/runs/cluster/engineProtocol.ts"
import { embedShard } from "../../../src/runs/cluster/engineTasks.ts"
import { writeShard } from "../../../src/runs/cluster/shardFiles.ts"
import { folderStore } from "../../../src/store/folder.ts"
import { RECORDINGS_PREFIX, shardKey } from "../../../src/store/keys.ts"
import { Store } from "../../../src/store/store.ts"
import { Preparers } from "../../../src/stream/preparers.ts"
import { createCorpus, storedVectors } from "../../support/clusterWorld.ts"
import { keysIn } from "../../support/runWorld.ts"
import { untrainedYamnet } from "../../support/untrainedYamnet.ts"

/** Embeds a piece of the shard that the whole corpus is, listed with these ETags. */
const embed = (folder: string, task: Partial<ShardTask> = {}, changed: Readonly<Record<string, string>> = {}) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const embedder = yield* untrainedYamnet
      const store = folderStore(folder)
      const keys = yield* Effect.promise(() => keysIn(store, RECORDINGS_PREFIX))
      const objects = yield* Effect.forEach(keys, (key) => Effect.map(store.find(key), Option.getOrThrow))
      const listed = objects.map(({ key, etag, size }) => ({ key, etag: changed[key] ?? etag, size }))
      const file = shardKey("run", 0, 0)
      yield* Effect.provideService(writeShard("run", 0, 0, listed), Store, store)
      const recipe = makeRecipe(embedder, { clipMaxSeconds: 30, augmentations: 1, precision: "float32" })
      const whole: ShardTask = {
        runId: "run",
        file,
        from: 0,
        to: keys.length,
        contents: null,
        recipe: recipe.id,
        clipMaxSeconds: 30,
        maxRecordingMegabytes: 10,
        augmentations: 1,
        audit: false,
        attempt: 0,
        alone: false
      }
      return yield* embedShard(embedder, { ...whole, ...task }).pipe(
        Effect.provide(
          Layer.mergeAll(
            Embeddings.layer,
            engineLayer({ engine: "native", embedder, threads: 1 }),
            Preparers.layer(1)
          ).pipe(Layer.provideMerge(Layer.succeed(Store, store)))
        ),
        Effect.result
      )
    }).pipe(Effect.scoped, Effect.provide(Settings.layer))
  )

test("a shard done twice is stored once, and its halves hold the same vectors", async () => {
  await using corpus = await createCorpus(6)
  const parts = () => keysIn(folderStore(corpus.folder), "embeddings/")
  expect(await embed(corpus.folder)).toMatchObject({ success: { embedded: 6, patches: 12, skipped: [], moved: {} } })
  const [first, vectors] = [await parts(), await storedVectors(corpus.folder)]
  expect(first).toHaveLength(1)
  await embed(corpus.folder)
  expect(await parts()).toEqual(first)
  expect(await embed(corpus.folder, { from: 0, to: 3 })).toMatchObject({ success: { embedded: 3 } })
  expect(await embed(corpus.folder, { from: 3, to: 6 })).toMatchObject({ success: { embedded: 3 } })
  expect(await parts()).toHaveLength(3)
  expect(await storedVectors(corpus.folder)).toEqual(vectors)
})

test("says which recordings have changed since they were listed, and refuses to make other vectors", async () => {
  await using corpus = await createCorpus(2)
  const changed = (await keysIn(folderStore(corpus.folder), RECORDINGS_PREFIX))[1]!
  const outcome = await embed(corpus.folder, {}, { [changed]: "before" })
  expect(outcome).toMatchObject({
    success: { embedded: 2, moved: { [changed]: expect.stringMatching(/^[0-9a-f]{64}$/) } }
  })
  const refused = await embed(corpus.folder, { recipe: "another" })
  expect(refused).toMatchObject({ failure: { _tag: "RecipeMismatch" } })
  expect(refused).toMatchObject({ failure: { message: expect.stringContaining("made of another") } })
})
