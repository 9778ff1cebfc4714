import { describe, expect, test } from "bun:test"
import { ConfigProvider, Effect, Layer, Logger } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { yamnetOf } from "../../src/embedder/yamnet/yamnet.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { planRun } from "../../src/runs/planRun.ts"
import { Store } from "../../src/store/store.ts"
import { RunEvents } from "../../src/stream/events.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { fill, json, keysIn, OPTIONS, smallCorpus, succeed } from "../support/runWorld.ts"
import { standInScores } from "../support/trainingRuns.ts"

const embedderWith = (taps: ReadonlyArray<number>) =>
  yamnetOf(
    { ...untrainedNetwork(), scores: standInScores(), hash: "0".repeat(64), source: "a seed", embedder: "untrained" },
    taps
  )
const run = (store: Store["Service"], taps: ReadonlyArray<number>, head: "layers" | "audioset" | "default") =>
  succeed(store, { head, audit: false }, {}, undefined, [], embedderWith(taps))

/** What is said before a run with these taps begins. */
const said = async (store: Store["Service"], taps: ReadonlyArray<number>, env: Record<string, string> = {}) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push([message].flat().join(" ")))
  await planRun(embedderWith(taps), OPTIONS.augmentations).pipe(
    Effect.provide(
      Layer.mergeAll(
        Embeddings.layer,
        Settings.layer,
        Logger.layer([logger]),
        Layer.succeed(RunEvents, () => Effect.void)
      ).pipe(
        Layer.provideMerge(Layer.succeed(Store, store)),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
      )
    ),
    Effect.runPromise
  )
  return lines
}

const filled = async () => {
  const store = memoryStore(new Map())
  await fill(store, smallCorpus())
  return store
}

describe("a store whose vectors lack those that the embedder gives now", () => {
  test("is embedded again, which is said before with how much and how long, and its model is compared", async () => {
    const store = await filled()
    expect(await said(store, [8])).toEqual([])
    const first = await run(store, [], "audioset")
    expect(first).toMatchObject({ embedded: 10, promoted: true })
    expect(await said(store, [])).toEqual([])
    expect((await said(store, [], { PRECISION: "int8" })).join()).toMatch(
      /^10 recordings are embedded again, .+: the stored vectors are of float32, and PRECISION is int8\. Those of before stay where they are, under embeddings\/[0-9a-f]{16}\.$/
    )
    const [warning, ...others] = await said(store, [8, 5])
    expect(others).toEqual([])
    expect(warning).toMatch(
      /^10 recordings are embedded again, which takes about (a second|\d+ seconds) at the pace of an earlier run: the stored vectors lack layer8max and layer5max, which the embedder gives now\. Those of before stay where they are, under embeddings\/[0-9a-f]{16}\.$/
    )
    const second = await run(store, [8], "default")
    expect(second).toMatchObject({ embedded: 10, comparison: { promotedRun: first.runId } })
    expect(await said(store, [8])).toEqual([])
    expect(await run(store, [8], "audioset")).toMatchObject({ embedded: 0, reused: 10 })
  })
})

describe("a mixture", () => {
  test("is served, and held against the next as a whole and by its .keras file's classifier", async () => {
    const store = await filled()
    const first = await run(store, [8], "layers")
    const version = `models/versions/${first.runId}/`
    expect(await keysIn(store, version)).toContain(`${version}yamnet_classifier.onnx`)
    expect(await keysIn(store, "models/")).toContain("models/yamnet_classifier.onnx")
    expect(await json(store, `${version}model_metadata.json`)).toMatchObject({
      served: { head: "layers", macro_f1: first.holdout.macroF1 },
      keras: { head: "audioset", macro_f1: first.keras!.macroF1 }
    })
    expect(first.keras!.comparison).toBeNull()
    const again = await run(store, [8], "layers")
    // The same recordings and seed: the same models.
    for (const { macroF1, difference, promotedRun } of [again.comparison!, again.keras!.comparison!]) {
      expect({ difference, promotedRun }).toEqual({ difference: 0, promotedRun: first.runId })
      expect(macroF1.candidate).toBe(macroF1.promoted)
    }
    expect(again.keras!.comparison!.macroF1.promoted).toBe(first.keras!.macroF1!)
    // One that is not a mixture serves what its .keras file holds, and is held against both.
    const single = await run(store, [8], "audioset")
    expect(single.keras!.comparison).toMatchObject({ difference: 0 })
    expect(single.comparison!.macroF1.promoted).toBe(again.holdout.macroF1!)
    expect(await keysIn(store, `models/versions/${single.runId}/`)).not.toContain("yamnet_classifier.onnx")
  })

  test("of a layer that the embedder gives no more is not compared, and the record says what to do", async () => {
    const store = await filled()
    await run(store, [8], "layers")
    const other = await run(store, [5], "audioset")
    expect(other.promoted).toBe(false)
    expect(other.decision).toContain(
      "it takes layer8max, which the vectors now lack: bun run models promote takes the new one"
    )
  })
})
