import { expect, setDefaultTimeout, test } from "bun:test"
import { rename } from "node:fs/promises"
import { join } from "node:path"
import { folderStore } from "../../src/store/folder.ts"
import { runKey, versionKey } from "../../src/store/keys.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { OPTIONS, smallCorpus, succeed } from "../support/runWorld.ts"

setDefaultTimeout(180_000)

test("versions are listed, shown, compared, promoted and rolled back", async () => {
  await using folder = await folderOf(Object.fromEntries(smallCorpus()))
  const store = folderStore(folder.root)
  const one = (await succeed(store, { audit: false })).runId
  const two = (
    await succeed(store, { audit: false, seed: 1, promotion: "never", epochs: OPTIONS.epochs + 1, head: "mlp" })
  ).runId
  const models = (...args: ReadonlyArray<string>) => runProgram("models", [...args, "--json"], {}, folder.root)

  const trainingSet = await Bun.file(join(folder.root, versionKey(one, "training_set.json"))).bytes()
  expect(await Bun.file(join(folder.root, runKey(one))).json()).toMatchObject({
    status: "finished",
    options: { seed: 0 },
    settings: { gateTolerance: 0, gateClassTolerance: 0.05, groupPattern: null },
    recipe: { parts: { augmentations: 1 } },
    versions: { bun: Bun.version },
    summary: { snapshot: new Bun.CryptoHasher("sha256").update(trainingSet).digest("hex") }
  })

  const listed = await models("list")
  expect(listed.stdout).toContain("macro-F1")
  expect(resultOf(listed)).toMatchObject([
    { runId: one, recordings: 10, state: "promoted" },
    { runId: two, recordings: 10, state: "candidate" }
  ])

  expect(resultOf(await models("show", two))).toMatchObject({ runId: two, metadata: { training_config: { seed: 1 } } })
  const compared = await models("diff", one, two)
  expect(resultOf(compared)).toMatchObject({
    recordings: { added: 0, removed: 0, moved: 0, changed: 0, same: 10 },
    settings: { seed: [0, 1], epochs: [2, 3] }
  })
  expect(compared.stdout).toContain("seed: 0 -> 1")
  // Also what a head's description holds is told value by value.
  const { settings } = resultOf(compared) as { settings: Record<string, ReadonlyArray<unknown>> }
  expect(Object.keys(settings)).toContain("description.decay")
  expect(
    Object.values(settings)
      .flat()
      .filter((value) => value !== null && typeof value === "object")
  ).toEqual([])

  expect(resultOf(await models("promote", two))).toMatchObject({ runId: two, from: one })
  expect(resultOf(await models("rollback"))).toEqual({ runId: one, from: two })

  const { code, stderr } = await models("rollback")
  expect(code).toBe(1)
  expect(stderr).toContain(`${one} is the first model promoted`)
  expect(stderr).not.toContain("    at ")

  const pruned = await models("prune", "--keep", "1")
  expect(pruned.stdout).toContain("Nothing is to be removed")
  expect(resultOf(pruned)).toEqual({ removed: [] })
})

test("a class that was renamed between two versions is compared as one, and its recordings are moved, not new", async () => {
  await using folder = await folderOf(Object.fromEntries(smallCorpus()))
  const store = folderStore(folder.root)
  const one = (await succeed(store, { audit: false })).runId
  await rename(join(folder.root, "extracted_audio/dog_bark"), join(folder.root, "extracted_audio/hound"))
  const two = (await succeed(store, { audit: false }, { FIELD_MINUTES: "0" })).runId
  const compared = await runProgram("models", ["diff", one, two, "--json"], {}, folder.root)
  expect(resultOf(compared)).toMatchObject({
    classes: [
      { before: "dog_bark", after: "hound" },
      { before: "gun_shot", after: "gun_shot" }
    ],
    recordings: { added: 0, removed: 0, moved: 5, changed: 0, same: 5 }
  })
  expect(compared.stdout).toContain("recall of dog_bark, now hound")
  expect(compared.stdout).toContain(
    "Recordings: 0 added, 0 removed, 5 moved to another name or class, 0 changed, 5 the same."
  )
})
