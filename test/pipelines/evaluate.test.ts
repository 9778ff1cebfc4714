import { expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { toTfjs } from "../support/modelFiles.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { smallCorpus } from "../support/runWorld.ts"
import { standInScores } from "../support/trainingRuns.ts"

// Each run starts a process or two, on a machine that may be busy.
setDefaultTimeout(180_000)

/** A corpus, and a whole YAMNet that has learnt nothing. */
const world = (recordings = smallCorpus()) => {
  const yamnet = toTfjs({ ...untrainedNetwork(), scores: standInScores() }, "")
  return folderOf({
    ...Object.fromEntries([...recordings].map(([key, bytes]) => [`store/${key}`, bytes])),
    ...Object.fromEntries([...yamnet].map(([name, bytes]) => [`yamnet/${name}`, bytes]))
  })
}

const evaluate = (root: string, args: ReadonlyArray<string>) =>
  runProgram(
    "evaluate",
    ["--store", "store", "--folds", "2", "--epochs", "2", "--augmentations", "0", ...args],
    { YAMNET_MODEL: join(root, "yamnet"), ENGINE: "native" },
    root
  )

test("heads are compared in a table, a page and JSON; what was embedded stays so", async () => {
  await using folder = await world()
  const args = ["--compare", "linear,audioset", "--repeats", "1", "--json"]
  const { code, stdout, stderr } = await evaluate(folder.root, args)
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("Embedding: 10 of 10 clips") })
  expect(stdout).toContain("macro-F1 less linear's")
  const result = resultOf({ stdout }) as { heads: Array<{ head: string }>; differences: Array<{ head: string }> }
  expect(result).toMatchObject({ recordings: 10, sources: 10, folds: 2, repeats: 1 })
  expect(result.heads.map(({ head }) => head)).toEqual(["linear", "audioset"])
  expect(result.differences.map(({ head }) => head)).toEqual(["audioset"])
  const page = await Bun.file(join(folder.root, "evaluation.html")).text()
  expect(page).toContain("<h1>Evaluation of ")
  expect(page).not.toMatch(/<script|https?:\/\/|NaN/)

  const again = await evaluate(folder.root, args)
  expect(again.stderr).not.toContain("Embedding:")
  const timeless = (text: string) => text.replaceAll(/"seconds":[\d.]+/g, "")
  expect(timeless(again.stdout.trimEnd().split("\n").at(-1)!)).toBe(timeless(stdout.trimEnd().split("\n").at(-1)!))
})

test("where nothing can be tested, the answer says so and makes no figure", async () => {
  const [dog, gun] = [...smallCorpus()].filter((_, at) => at === 0 || at === 5)
  await using folder = await world(new Map([dog!, gun!]))
  const { code, stdout } = await evaluate(folder.root, ["--compare", "audioset", "--json"])
  expect(code).toBe(0)
  expect(resultOf({ stdout })).toEqual({
    heads: [],
    notes: [
      ...["dog_bark", "gun_shot"].map(
        (name) => `Class "${name}" is not tested: 1 recording from one source cannot say how others fare; add sources.`
      ),
      "Nothing can be tested: add recordings from other sources to at least two classes."
    ]
  })
})

test("a head, a class or a place that there is not is refused in one sentence", async () => {
  await using folder = await world()
  const head = await evaluate(folder.root, ["--compare", "linear,forest"])
  expect(head.code).toBe(1)
  expect(head.stderr).toContain("--compare takes heads separated by commas: mlp, linear, audioset, layers, auto.")
  const report = await evaluate(folder.root, ["--report", "no/such/folder/page.html"])
  expect(report.code).toBe(1)
  expect(report.stderr).toContain("/no/such/folder: name another place with --report.")
  // Before anything is computed.
  expect(report.stderr).not.toContain("Listing")
  const background = await evaluate(folder.root, ["--background", "wind"])
  expect(background.code).toBe(1)
  expect(background.stderr).toContain('There is no class "wind": there are dog_bark, gun_shot.')
})
