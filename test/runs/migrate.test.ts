import { expect, setDefaultTimeout, test } from "bun:test"
import { NodeServices } from "@effect/platform-node"
import { ConfigProvider, Effect, Layer, Result } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../../src/config/settings.ts"
import { migrate } from "../../src/runs/migrate.ts"
import { findEmbedder } from "../../src/runs/services.ts"
import { folderStore } from "../../src/store/folder.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { writeOnnxEmbedder } from "../support/onnxEmbedder.ts"
import { folderOf } from "../support/program.ts"
import { failure, fill, json, keysIn, OPTIONS, runOn, sound, succeed } from "../support/runWorld.ts"

// From one embedder that came in a file to another, in one process.

setDefaultTimeout(120_000)

const corpus = (["dog_bark", "gun_shot"] as const).flatMap((className, label) =>
  Array.from({ length: 12 }, (_, i) => {
    const source = 100 * label + i
    return [recordingKey(className, `${source}-${label}-0-0.wav`), sound(className, source)] as const
  })
)
const TRAINING = { ...OPTIONS, epochs: 40, audit: false }

/** A store with recordings, three embedders beside it, and the first one's model promoted. */
const world = async () => {
  const folder = await folderOf({})
  const store = folderStore(`${folder.root}/store`)
  await fill(store, corpus)
  const files = {
    coarse: await writeOnnxEmbedder(folder.root, { id: "coarse", bands: 4, spacing: 3 }),
    fine: await writeOnnxEmbedder(folder.root, { id: "fine", bands: 16, spacing: 2, rate: 16_000, window: 8000 }),
    deaf: await writeOnnxEmbedder(folder.root, { id: "deaf", bands: 1, spacing: 48 })
  }
  const services = Layer.mergeAll(Settings.layer, NodeServices.layer, FetchHttpClient.layer).pipe(
    Layer.provideMerge(Layer.succeed(Store, store)),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ENGINE: "native", WORKERS: "1" } })))
  )
  const named = (file: string) =>
    Effect.runPromise(Effect.provide(findEmbedder(file, { allowUntrained: false }), services))
  const to = async (name: keyof typeof files, options: object = {}) => {
    const embedder = await named(files[name])
    const leading = migrate(embedder, { ...TRAINING, ...options })
    return Effect.runPromise(leading.pipe(Effect.provide(services), Effect.result))
  }
  return { store, files, named, to, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
}

test("both models are compared on the same recordings, each by its own vectors, and the gate switches", async () => {
  await using the = await world()
  const first = await succeed(the.store, TRAINING, {}, undefined, [], await the.named(the.files.coarse))
  const vectors = await keysIn(the.store, "embeddings/")
  const { from, summary } = Result.getOrThrow(await the.to("fine"))
  expect(from).toMatch(/^coarse@[0-9a-f]{8}$/)
  expect(summary).toMatchObject({ embedded: 0, reused: 24, promoted: true, comparison: { promotedRun: first.runId } })
  expect(summary.comparison?.recordings).toBe(summary.holdout.recordings)
  // The promoted model is worth by its own vectors what it was worth when it was trained.
  expect(summary.comparison?.macroF1.promoted).toBeCloseTo(first.holdout.macroF1!, 6)
  expect(summary.notes.join(" ")).toContain("compared on clips alone")
  expect((await keysIn(the.store, "embeddings/")).filter((key) => vectors.includes(key))).toEqual(vectors)
  expect(await keysIn(the.store, "embedders/")).toHaveLength(2)
  const metadata = await json(the.store, `models/versions/${summary.runId}/model_metadata.json`)
  expect(metadata).toMatchObject({
    embedder: { id: "fine", sample_rate: 16_000, licence: "CC0-1.0, made by a test" },
    served: { files: ["classifier.onnx"] },
    notes: expect.arrayContaining([expect.stringMatching(/^fine@\w{8} is not part of this project. Its licence: CC0/)])
  })
  const again = await the.to("fine")
  expect(Result.isFailure(again) && again.failure.message).toMatch(/, hears by fine@\w{8} already: bun run retrain/)
})

test("a model that is worse by the other embedder is not promoted", async () => {
  await using the = await world()
  const first = await succeed(the.store, TRAINING, {}, undefined, [], await the.named(the.files.coarse))
  const { summary } = Result.getOrThrow(await the.to("deaf"))
  expect(summary).toMatchObject({ promoted: false, comparison: { promotedRun: first.runId } })
  expect(summary.decision).toMatch(/^Not promoted: macro-F1 is lower/)
  expect(await json(the.store, "models/current.json")).toMatchObject({ runId: first.runId })
})

test("what has landed since the last run is judged by both", async () => {
  await using the = await world()
  await succeed(the.store, TRAINING, {}, undefined, [], await the.named(the.files.coarse))
  await fill(
    the.store,
    Array.from({ length: 6 }, (_, i) => [recordingKey("dog_bark", `${300 + i}-0-0-0.wav`), sound("dog_bark", 300 + i)])
  )
  const { summary } = Result.getOrThrow(await the.to("fine"))
  expect(summary).toMatchObject({ recordings: 30 })
  expect(summary.comparison?.recordings).toBe(summary.holdout.recordings)
})

test("a plain run by another embedder says what to do instead, and other bytes of one name are another embedder", async () => {
  await using the = await world()
  const coarse = await the.named(the.files.coarse)
  await succeed(the.store, TRAINING, {}, undefined, [], coarse)
  const folder = await folderOf({})
  const namesake = await the.named(await writeOnnxEmbedder(folder.root, { id: "coarse", bands: 4, spacing: 4 }))
  const run = Result.getOrThrow((await runOn(the.store, TRAINING, {}, undefined, [], namesake)).result)
  await folder[Symbol.asyncDispose]()
  expect(run).toMatchObject({ embedded: 24, comparison: null, promoted: false })
  expect(run.decision).toContain(`it takes vectors of ${coarse.name}, not of ${namesake.name}`)
  expect(run.decision).toContain("bun run migrate compares them")
  expect(await failure(the.store, { head: "audioset" }, {}, undefined, [], coarse)).toContain(
    "needs YAMNet's last layer"
  )
})

test("without a promoted model there is nothing to migrate from", async () => {
  await using the = await world()
  const result = await the.to("fine")
  expect(Result.isFailure(result) && result.failure.message).toMatch(
    /^No model is promoted in .*: set EMBEDDER, and bun run/
  )
})
