import { expect, test } from "bun:test"
import { chmod } from "node:fs/promises"
import { Effect, Option } from "effect"
import { copiedVersion, copyVersion } from "../../src/service/localCopy.ts"
import { folderStore } from "../../src/store/folder.ts"
import { embedderKey, versionKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { descriptionOf, onnxEmbedder } from "../support/onnxEmbedder.ts"
import { folderOf } from "../support/program.ts"

const RUN = "20260101T000000000Z-000000"

test.skipIf(process.platform === "win32")("a copy in a folder that others may write to is not used", async () => {
  await using folder = await folderOf({})
  const copy = folderStore(folder.root)
  const store = memoryStore(new Map([[versionKey(RUN, "ecosight.onnx"), new Uint8Array([1, 2, 3])]]))
  const copied = () => Effect.runPromise(copiedVersion(copy))
  await Effect.runPromise(Effect.provideService(copyVersion(copy, RUN), Store, store))
  expect(await copied()).toEqual(Option.some(RUN))
  await chmod(folder.root, 0o777)
  expect(await copied()).toEqual(Option.none())
  await chmod(folder.root, 0o755)
  expect(await copied()).toEqual(Option.some(RUN))
})

test("the file of an embedder is copied with the version that hears by it, and goes with it", async () => {
  await using folder = await folderOf({})
  const copy = folderStore(folder.root)
  const embedder = onnxEmbedder()
  const key = embedderKey(descriptionOf(embedder).sha256)
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
  const [behind, whole] = [RUN, RUN.replace("20260101", "20260102")]
  const store = memoryStore(
    new Map([
      [key, embedder],
      [versionKey(behind, "classifier.onnx"), new Uint8Array([1, 2, 3])],
      [versionKey(behind, "model_metadata.json"), json({ embedder: descriptionOf(embedder) })],
      [versionKey(whole, "classifier.onnx"), new Uint8Array([1, 2, 3])],
      [versionKey(whole, "ecosight.onnx"), new Uint8Array([4, 5, 6])]
    ])
  )
  const copied = () => Effect.runPromise(copiedVersion(copy))
  const copyOf = (runId: string) => Effect.runPromise(Effect.provideService(copyVersion(copy, runId), Store, store))
  const kept = () => Effect.runPromise(Effect.option(copy.get(key)))
  await copyOf(behind)
  expect(await copied()).toEqual(Option.some(behind))
  expect(Option.getOrThrow(await kept()).bytes).toEqual(embedder)
  await copyOf(whole)
  expect(await copied()).toEqual(Option.some(whole))
  expect(await kept()).toEqual(Option.none())
  await Effect.runPromise(copy.put(versionKey(whole, "ecosight.onnx"), new Uint8Array([4, 5, 7])))
  expect(await copied()).toEqual(Option.none())
})
