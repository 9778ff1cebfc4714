import { expect, test } from "bun:test"
import { chmod } from "node:fs/promises"
import { Effect, Option } from "effect"
import { copiedVersion, copyVersion } from "../../src/service/localCopy.ts"
import { folderStore } from "../../src/store/folder.ts"
import { versionKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"
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
