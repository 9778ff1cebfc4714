import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { utimes } from "node:fs/promises"
import { join } from "node:path"
import { Schema } from "effect"
import { startS3Server } from "../../bench/s3/server.ts"
import { MAX_AUGMENTATIONS } from "../../src/augment/variants.ts"
import { RunSummary } from "../../src/runs/summary.ts"
import { needsYamnet, yamnetFolder } from "../support/fixtures.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { smallCorpus } from "../support/runWorld.ts"

// Each run starts a process or two, on a machine that may be busy.
setDefaultTimeout(180_000)

const retrain = (args: ReadonlyArray<string>, environment?: Record<string, string>, folder?: string) =>
  runProgram("retrain", args, environment, folder)

const corpus = () => folderOf(Object.fromEntries(smallCorpus()))
const model = { YAMNET_MODEL: yamnetFolder ?? "" }

describe(`with YAMNet's weights${needsYamnet}`, () => {
  const onlyWithYamnet = test.skipIf(yamnetFolder === undefined)

  onlyWithYamnet(
    "the current folder's recordings are trained from; the last line of --json is the summary",
    async () => {
      await using folder = await corpus()
      const args = ["--json", "--epochs", "2", "--augmentations", "0", "--no-audit"]
      const first = await retrain(args, model, folder.root)
      expect(first).toMatchObject({ code: 0 })
      const summary = Schema.decodeUnknownSync(RunSummary)(resultOf(first))
      expect(summary).toMatchObject({ embedder: "yamnet", recordings: 10, variants: 10, promoted: true })
      expect(first.stdout).toContain("Confusion matrix")
      expect(first.stderr).toContain("Embedding: 10 of 10 clips")
      expect(await Array.fromAsync(new Bun.Glob("augmented_audio/**").scan(folder.root))).toEqual([])

      // As a promotion that died leaves it.
      const copy = Bun.file(join(folder.root, "models/classifier.onnx"))
      const whole = await copy.bytes()
      await copy.write("of the model before")
      const notNeeded = await retrain(["--min-new-samples", "1", ...args], model, folder.root)
      expect(notNeeded.code).toBe(0)
      expect(notNeeded.stdout).toContain("Not needed: 0 recordings")
      expect(resultOf(notNeeded)).toMatchObject({ status: "not_needed", new: 0 })
      expect(await Bun.file(copy.name!).bytes()).toEqual(whole)

      // Touched, they only look new; a dry run reads none of them, and says so.
      for (const path of new Bun.Glob("extracted_audio/*/*").scanSync(folder.root)) {
        await utimes(join(folder.root, path), new Date(), new Date())
      }
      const dry = await retrain(["--dry-run", ...args], model, folder.root)
      expect(dry.stdout).toContain("Would embed up to 10 of 10 recordings")
      expect(dry.stdout).toContain("up to 10 are new since the last training.")
      const touched = await retrain(["--min-new-samples", "1", ...args], model, folder.root)
      expect(resultOf(touched)).toMatchObject({ status: "not_needed", new: 0, toEmbed: 0 })
      const known = await retrain(["--dry-run", ...args], model, folder.root)
      expect(resultOf(known)).toMatchObject({ new: 0, toEmbed: 0 })
    }
  )

  onlyWithYamnet("--dry-run says what there is to do, and leaves the store alone", async () => {
    await using folder = await corpus()
    const { code, stdout } = await retrain(["--store", folder.root, "--dry-run"], model)
    expect(code).toBe(0)
    expect(stdout).toContain("Would embed 10 of 10 recordings")
    expect((await Array.fromAsync(new Bun.Glob("*/*").scan({ cwd: folder.root, onlyFiles: false }))).sort()).toEqual([
      "extracted_audio/dog_bark",
      "extracted_audio/gun_shot"
    ])
  })
})

describe("is refused in one sentence, with an exit code", () => {
  test("without YAMNet's weights, by every place tried", async () => {
    await using folder = await corpus()
    const { code, stderr } = await retrain(["--store", folder.root], { YAMNET_MODEL: "/no/such/place" })
    expect(code).toBe(1)
    expect(stderr).toContain("/no/such/place does not exist")
    expect(stderr).toContain("set YAMNET_MODEL")
  })

  test.each([
    [["--augmentations", `${MAX_AUGMENTATIONS + 1}`], {}, "augmentations"],
    [["--batch-size", "1"], {}, "batch-size"],
    [["--head", "deep"], {}, "linear"],
    [["--stor", "x"], {}, "--store"],
    [[], { ENGINE: "cuda" }, 'ENGINE is "cuda", but must be auto, webgpu or native.'],
    [[], { EMBEDDER: "perch" }, 'EMBEDDER is "perch", but must be yamnet or the path of an .onnx file.'],
    [[], { EMBEDDER: "perch.onnx" }, "perch.onnx cannot be read: EMBEDDER and --to take the path of an ONNX file."],
    [[], { MAX_SKIPPED: "many" }, 'MAX_SKIPPED is "many"'],
    [["--store", "/no/such/folder"], {}, "There is no folder /no/such/folder."]
  ] as const)("%p %p", async (args, environment, sentence) => {
    const { code, stderr } = await retrain(args, environment)
    expect(code).toBe(1)
    expect(stderr).toContain(sentence)
    expect(stderr).not.toContain("    at ")
  })

  test("with --json the last line of standard output is an object that says so", async () => {
    await using folder = await folderOf({ "extracted_audio/dog/notes.txt": "none" })
    const corpusless = await retrain(["--json", "--store", folder.root, "--no-cluster"], { YAMNET_MODEL: folder.root })
    expect(corpusless.code).toBe(1)
    expect(resultOf(corpusless)).toMatchObject({ status: "failed", reason: expect.stringMatching(/\w+.*\.$/s) })
    const unset = await retrain(["--json", "--store", folder.root], { MAX_SKIPPED: "many" })
    expect(resultOf(unset)).toMatchObject({ status: "failed", reason: expect.stringContaining("MAX_SKIPPED") })
    const models = await runProgram("models", ["--json", "--store", folder.root, "rollback"])
    expect(models.code).toBe(1)
    expect(resultOf(models)).toMatchObject({ status: "failed" })
  })

  test("for a bucket that is not there, and for credentials that are refused", async () => {
    using server = startS3Server({ refused: "intruder" })
    const environment = { AWS_ENDPOINT_URL_S3: server.endpoint, AWS_SECRET_ACCESS_KEY: "test-secret" }
    const missing = await retrain(["--store", "s3://nowhere"], { ...environment, AWS_ACCESS_KEY_ID: "test" })
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("There is no bucket") })
    const refused = await retrain(["--store", "s3://recordings"], { ...environment, AWS_ACCESS_KEY_ID: "intruder" })
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("AWS_ACCESS_KEY_ID") })
    expect(server.bucket.size).toBe(0)
  })
})

test("--help names every flag", async () => {
  const { code, stdout } = await retrain(["--help"])
  expect(code).toBe(0)
  const flags = "store augmentations epochs batch-size head engine seed min-new-samples promote dry-run json"
  for (const flag of flags.split(" ")) expect(stdout).toContain(`--${flag}`)
  expect(stdout).toContain("--no-audit")
})
