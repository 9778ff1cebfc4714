import { expect, setDefaultTimeout, test } from "bun:test"
import { Effect } from "effect"
import { listVersions } from "../../src/registry/versions.ts"
import { folderStore } from "../../src/store/folder.ts"
import { CURRENT_KEY, DUPLICATES_KEY, LEASE_KEY, modelKey, runKey, versionKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { fill, json, keysIn, smallCorpus, succeed } from "../support/runWorld.ts"
import { temporaryFolder } from "../support/stores.ts"

setDefaultTimeout(120_000)

const inFolder = (body: (store: Store["Service"], folder: string) => Promise<void>) =>
  Effect.runPromise(
    Effect.flatMap(temporaryFolder, (folder) => Effect.promise(() => body(folderStore(folder), folder))).pipe(
      Effect.scoped
    )
  )

const list = (store: Store["Service"]) => Effect.runPromise(Effect.provideService(listVersions, Store, store))

test("the promoted version is compared by the class names that it was written with, whatever lies there now", () =>
  inFolder(async (store, folder) => {
    await fill(store, smallCorpus())
    const { runId } = await succeed(store)
    const names = `${folder}/${versionKey(runId, "class_names.json")}`
    await Bun.write(names, JSON.stringify(["gun_shot", "dog_bark"]))
    const { comparison } = await succeed(store, { promotion: "never" })
    expect(comparison?.macroF1.promoted).toBe(comparison?.macroF1.candidate)
    expect(await Bun.file(names).json()).toEqual(["dog_bark", "gun_shot"])
  }))

test.each([
  ["cut", (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)],
  ["empty", () => new Uint8Array()],
  ["zeroed", (bytes: Uint8Array) => new Uint8Array(bytes.length)]
] as const)("a store whose files are all %s at once trains, promotes and lists; its vectors are made again", (_, way) =>
  inFolder(async (store, folder) => {
    await fill(store, smallCorpus())
    const before = await succeed(store)
    const { runId } = await succeed(store, { promotion: "always" })
    const damage = async (key: string) => {
      const path = `${folder}/${key}`
      const bytes = await Bun.file(path).bytes()
      if (bytes.length > 0) await Bun.write(path, way(bytes))
    }
    await fill(store, [[DUPLICATES_KEY, new TextEncoder().encode('{"pairs":[],"checked":[]}')]])
    const parts = await keysIn(store, "embeddings/")
    const manifests = await keysIn(store, "augmented_audio/manifest/")
    const versioned = [
      "training_set.json",
      "model_metadata.json",
      "classifier.onnx",
      "ecosight.onnx",
      "class_names.pkl"
    ]
    const damaged = [
      ...parts,
      ...manifests,
      ...versioned.map((file) => versionKey(runId, file)),
      ...["training_set.json", "model_metadata.json", "retraining_log.json", "yamnet_classifier.keras"].map(modelKey),
      runKey(runId),
      DUPLICATES_KEY
    ]
    for (const key of damaged) await damage(key)
    await Bun.write(`${folder}/.ecosight-lock`, new Uint8Array(4096))
    expect((await list(store)).map((version) => version.runId)).toEqual([before.runId])

    const next = await succeed(store)
    expect(next).toMatchObject({ recordings: 10, embedded: 10, reused: 0, promoted: true, snapshot: before.snapshot })
    expect(next.comparison?.promotedRun).toBe(before.runId)
    expect(next.holdout.recordings).toBe(before.holdout.recordings)
    expect((await list(store)).map((version) => [version.runId, version.state])).toEqual([
      [before.runId, "was promoted"],
      [next.runId, "promoted"]
    ])
    expect(await json(store, modelKey("model_metadata.json"))).toMatchObject({ run_id: next.runId })
    const log = (await json(store, modelKey("retraining_log.json"))) as { retraining_history: Array<unknown> }
    expect(log.retraining_history.length).toBeGreaterThan(1)

    for (const key of [CURRENT_KEY, LEASE_KEY]) await damage(key)
    // Where nothing says whose it is, a lease is watched for half a minute.
    await Effect.runPromise(store.remove(LEASE_KEY))
    expect(await succeed(store)).toMatchObject({ embedded: 0, comparison: { promotedRun: next.runId } })
  })
)
