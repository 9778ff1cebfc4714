import { expect, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { keptRanges } from "../../../src/embedder/yamnet/keptRanges.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"

const weights = { ...untrainedNetwork(), hash: "a1".repeat(32), source: "a seed", embedder: "untrained" } as const

const ranges = (folder: string) =>
  Effect.runPromise(keptRanges(weights, folder).pipe(Effect.provide(NodeServices.layer)))

test("what layers give is measured once and kept, and measured again where the file is damaged", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ecosight-ranges-"))
  const measured = await ranges(folder)
  expect([...measured.keys()].at(-1)).toBe(26)
  const names = await readdir(folder)
  expect(names).toHaveLength(1)
  const file = Bun.file(join(folder, names[0]!))
  const text = await file.text()

  // Another number shows that the file is read.
  const [first, ...others] = JSON.parse(text)
  first[1].means[0] = 12.5
  await file.write(JSON.stringify([first, ...others]))
  expect((await ranges(folder)).get(first[0])!.means[0]).toBe(12.5)

  first[1].means.pop()
  await file.write(JSON.stringify([first, ...others]))
  expect(await ranges(folder)).toEqual(measured)
  expect(await file.text()).toBe(text)
  await rm(folder, { recursive: true })
})

test("a folder that cannot be written is done without", async () => {
  expect((await ranges("/dev/null/nowhere")).size).toBeGreaterThan(0)
})
