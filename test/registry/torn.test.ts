import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { cp, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Logger, Option } from "effect"
import { readPointer } from "../../src/registry/pointer.ts"
import { promoteVersion, repairCopies, rollback, writeVersion } from "../../src/registry/publish.ts"
import { writeRunRecord } from "../../src/registry/runRecord.ts"
import { newestVersion, wholeVersions } from "../../src/registry/trainingSet.ts"
import { folderStore } from "../../src/store/folder.ts"
import { CURRENT_KEY, modelKey, versionKey } from "../../src/store/keys.ts"
import { readOnly } from "../../src/store/readOnly.ts"
import { Store } from "../../src/store/store.ts"

// What a crash leaves of a file that was not on the disk yet.
const WAYS = [
  ["cut", (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)],
  ["empty", () => new Uint8Array()],
  ["zeroed", (bytes: Uint8Array) => new Uint8Array(bytes.length)]
] as const

const NEEDED = [
  "yamnet_classifier.keras",
  "class_names.pkl",
  "class_names.json",
  "classifier.onnx",
  "ecosight.onnx",
  "model_metadata.json",
  "training_set.json"
]
const DISPENSABLE = [
  "performance_metrics.json",
  "training_history.pkl",
  "retraining_log.json",
  "report.html",
  "ecosight.tflite"
]
const FILES = [...NEEDED, ...DISPENSABLE]

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const artifactsOf = (runId: string) =>
  new Map(
    FILES.map((file) => [
      file,
      text(file === "model_metadata.json" ? { run_id: runId } : { [runId]: `sha256:${file}` })
    ])
  )

let whole: string
let folder: string
let warnings: Array<string>
beforeAll(async () => {
  whole = await mkdtemp(join(tmpdir(), "whole-"))
  folder = whole
  for (const runId of ["a", "b", "c"]) {
    await run(
      writeVersion(runId, artifactsOf(runId)).pipe(
        Effect.andThen(writeRunRecord(runId, { status: "finished", summary: { promoted: true } })),
        Effect.andThen(Effect.flatMap(readPointer(), (from) => promoteVersion(runId, from)))
      )
    )
  }
})
afterAll(() => rm(whole, { recursive: true }))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "torn-"))
  warnings = []
  await cp(whole, folder, { recursive: true })
})
afterEach(() => rm(folder, { recursive: true }))

const listener = Logger.make(({ message }) => void warnings.push(String(message)))
const run = <A, E>(effect: Effect.Effect<A, E, Store>, on: Store["Service"] = folderStore(folder)) =>
  Effect.runPromise(effect.pipe(Effect.provideService(Store, on), Effect.provide(Logger.layer([listener]))))

const promoted = Effect.map(readPointer(), (pointer) => Option.getOrThrow(pointer).runId)
const copyOf = (file: string) => Bun.file(join(folder, modelKey(file))).bytes()
const damage = async (key: string, way: (bytes: Uint8Array) => Uint8Array) => {
  const path = join(folder, key)
  await Bun.write(path, way(await Bun.file(path).bytes()))
}
const holds = async (runId: string, except: ReadonlyArray<string> = []) => {
  const artifacts = artifactsOf(runId)
  for (const file of FILES.filter((file) => !except.includes(file))) {
    expect(await copyOf(file)).toEqual(artifacts.get(file)!)
  }
}

describe.each(WAYS)("%s", (_, way) => {
  test.each(FILES)("a copy of %s is written again from its version", async (file) => {
    await damage(modelKey(file), way)
    await run(repairCopies)
    await holds("c")
    expect(await run(promoted)).toBe("c")
  })

  test.each(FILES)("%s of the promoted version is written again from its copy", async (file) => {
    await damage(versionKey("c", file), way)
    await run(repairCopies)
    // A size that is right is not doubted before the file is used.
    await run(Effect.flatMap(readPointer(), (from) => promoteVersion("c", from)))
    expect(await Bun.file(join(folder, versionKey("c", file))).bytes()).toEqual(artifactsOf("c").get(file)!)
    await holds("c")
    expect(await run(wholeVersions)).toEqual(["a", "b", "c"])
  })

  test.each(NEEDED)("without a whole %s, the version before takes its place, and nothing is blocked", async (file) => {
    await damage(versionKey("c", file), way)
    await damage(modelKey(file), way)
    await run(repairCopies)
    await run(repairCopies)
    expect(await run(promoted)).toBe("b")
    await holds("b")
    expect(await run(wholeVersions)).toEqual(["a", "b"])
    expect(await run(newestVersion)).toEqual(Option.some("b"))
    const aside = warnings.filter((line) => line.includes(`models/versions/c/${file}.damaged-`))
    expect(aside.length).toBe(1)
    const error = await run(Effect.flip(Effect.flatMap(readPointer(), (from) => promoteVersion("c", from))))
    expect(error.message).toContain("no whole version c")
    expect(await run(rollback())).toEqual({ runId: "a", from: "b" })
  })

  test.each(DISPENSABLE)("without a whole %s, the version goes on without it", async (file) => {
    await damage(versionKey("c", file), way)
    await damage(modelKey(file), way)
    await run(repairCopies)
    expect(await run(promoted)).toBe("c")
    await holds("c", [file])
    expect(await run(wholeVersions)).toEqual(["a", "b", "c"])
  })

  test.each(NEEDED)(
    "a version that is promoted again, or gone back to, is whole, else the one before is (%s)",
    async (file) => {
      await damage(versionKey("b", file), way)
      const from = await run(readPointer())
      const error = await run(Effect.flip(promoteVersion("b", from)))
      expect(error.message).toContain(`models/versions/b/${file} is damaged`)
      expect(await run(rollback())).toEqual({ runId: "a", from: "c" })
      await holds("a")
    }
  )

  test.each(["../../runs", "__proto__", "c/.."])("a pointer to %s is made anew, too", async (runId) => {
    await Bun.write(join(folder, CURRENT_KEY), JSON.stringify({ runId, promotedAt: "", history: [] }))
    expect(await run(promoted)).toBe("c")
  })

  test("by the seal of another version no file is judged", async () => {
    const seals = ["a", "c"].map((runId, at) => join(folder, versionKey(runId, `seal-${2 * at + 1}.json`)))
    const [first, last] = await Promise.all(seals.map((path) => Bun.file(path).bytes()))
    await Bun.write(seals[0]!, last!)
    await Bun.write(seals[1]!, first!)
    await run(repairCopies)
    await holds("c")
    expect(await run(rollback())).toEqual({ runId: "b", from: "c" })
    expect(await run(rollback())).toEqual({ runId: "a", from: "b" })
    await holds("a")
    expect(warnings).toEqual([])
  })

  test("the pointer is made anew from the copies and the records of runs", async () => {
    await damage(CURRENT_KEY, way)
    expect(await run(promoted)).toBe("c")
    expect(await run(rollback())).toEqual({ runId: "b", from: "c" })
    expect(
      (await readdir(join(folder, "models"))).filter((name) => name.startsWith("current.json.damaged-"))
    ).not.toEqual([])
  })

  test("the last training is known, though a training set or a record is damaged", async () => {
    await damage(versionKey("c", "training_set.json"), way)
    await damage(modelKey("training_set.json"), way)
    expect(await run(newestVersion)).toEqual(Option.some("b"))
    await damage("runs/b.json", way)
    expect(await run(newestVersion)).toEqual(Option.some("a"))
  })

  test("who may not write is told, and goes on all the same", async () => {
    await damage(CURRENT_KEY, way)
    await damage(versionKey("c", "training_set.json"), way)
    await damage(modelKey("training_set.json"), way)
    const before = (await readdir(folder, { recursive: true })).sort()
    const looking = readOnly(folderStore(folder), "A dry run writes nothing.")
    expect(await run(newestVersion, looking)).toEqual(Option.some("b"))
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(before)
    expect(warnings.filter((line) => line.endsWith("A dry run writes nothing."))).not.toEqual([])
  })
})
