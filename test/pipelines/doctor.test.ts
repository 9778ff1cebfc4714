import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test"
import { chmod } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { startS3Server } from "../../bench/s3/server.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { readPointer } from "../../src/registry/pointer.ts"
import { promoteVersion, writeVersion } from "../../src/registry/publish.ts"
import type { Finding } from "../../src/runs/doctor/finding.ts"
import { folderStore } from "../../src/store/folder.ts"
import { Store } from "../../src/store/store.ts"
import { toTfjs } from "../support/modelFiles.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { smallCorpus, sound } from "../support/runWorld.ts"

setDefaultTimeout(180_000)

// A whole YAMNet that has learnt nothing, and a corpus, which no test changes.
let world: Awaited<ReturnType<typeof folderOf>>
beforeAll(async () => {
  const yamnet = toTfjs(untrainedNetwork(), "")
  world = await folderOf({
    ...Object.fromEntries([...smallCorpus()].map(([key, bytes]) => [`store/${key}`, bytes])),
    "store/extracted_audio/ambience/1.wav": sound("dog_bark", 900),
    ...Object.fromEntries([...yamnet].map(([name, bytes]) => [`yamnet/${name}`, bytes])),
    "empty/notes.txt": ""
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const doctor = async (args: ReadonlyArray<string>, environment: Record<string, string> = {}, folder = "empty") => {
  const given = { YAMNET_MODEL: join(world.root, "yamnet"), MODEL_CACHE: join(world.root, "cache"), ...environment }
  const ran = await runProgram("doctor", [...args, "--json"], given, join(world.root, folder))
  const { status, findings } = resultOf(ran) as { status: string; findings: ReadonlyArray<Finding> }
  return {
    ...ran,
    status,
    of: (check: Finding["check"]) => findings.filter((finding) => finding.check === check),
    wrong: findings.filter(({ state }) => state === "wrong")
  }
}

test("a setup that is in order is told a line a check, with the time to expect, and nothing is written", async () => {
  const { code, status, of, wrong, stdout } = await doctor([], {}, "store")
  expect({ code, status, wrong }).toEqual({ code: 0, status: "ok", wrong: [] })
  expect(of("store")).toMatchObject([
    { state: "ok", says: expect.stringContaining("/store can be listed and read, and may") }
  ])
  expect(of("recordings")).toEqual([
    { check: "recordings", state: "ok", says: "11 in 3 classes: ambience 1, dog_bark 5, gun_shot 5." },
    { check: "recordings", state: "note", says: expect.stringContaining("ambience (1). Add recordings of 5 sources") },
    { check: "recordings", state: "ok", says: "ambience is the background." }
  ])
  expect(of("weights")).toMatchObject([{ state: "ok", says: expect.stringContaining("There and whole") }])
  expect(of("engine")).toMatchObject([{ state: "ok", says: expect.stringContaining("native on ") }])
  expect(of("space")).toHaveLength(2)
  expect(of("time")).toMatchObject([
    { says: expect.stringContaining("to embed 11 recordings once, with 5 variants each") }
  ])
  expect(stdout).toContain("\nok    weights     There and whole")
  expect(stdout).toContain("Nothing has to be mended.")
  const folders = await Array.fromAsync(new Bun.Glob("*").scan({ cwd: join(world.root, "store"), onlyFiles: false }))
  expect(folders).toEqual(["extracted_audio"])
})

test("copies in models/ that are not the promoted version's are told, with what mends them, and left alone", async () => {
  await using folder = await folderOf(Object.fromEntries(smallCorpus()))
  const files = (runId: string) =>
    new Map(
      ["classifier.onnx", "model_metadata.json", "training_set.json"].map((file) => [
        file,
        new TextEncoder().encode(JSON.stringify({ run_id: runId, file }))
      ])
    )
  const promote = (runId: string) =>
    Effect.flatMap(readPointer(), (from) =>
      Effect.andThen(writeVersion(runId, files(runId)), promoteVersion(runId, from))
    ).pipe(Effect.provideService(Store, folderStore(folder.root)), Effect.runPromise)
  await promote("a")
  await promote("b")
  const models = async () => (await doctor(["--store", folder.root])).of("models")
  expect(await models()).toMatchObject([{ state: "ok", says: "models/ holds b, which is promoted." }])
  const copy = join(folder.root, "models/classifier.onnx")
  await Bun.write(copy, files("a").get("classifier.onnx")!)
  expect(await models()).toMatchObject([
    { state: "wrong", says: expect.stringContaining("models/ does not hold b, which is promoted") }
  ])
  expect(await models()).toMatchObject([{ says: expect.stringContaining("run `bun run models promote b`") }])
  expect(await Bun.file(copy).bytes()).toEqual(files("a").get("classifier.onnx")!)
})

test("what is not allowed, and what is nearly named as a setting, is told all at once", async () => {
  const { code, wrong, of, stderr } = await doctor([], {
    WORKERS: "many",
    MAX_SKIPPED: "2",
    S3_BUKET: "recordings",
    FETCH_CONCURENCY: "4",
    AWS_ENDPOINT_URL_SQS: "http://localhost:1"
  })
  expect(code).toBe(1)
  expect(wrong.map(({ says }) => says)).toEqual([
    'MAX_SKIPPED is "2", but must be a share from 0 to 1, or from 0% to 100%.',
    'WORKERS is "many", but must be a whole number from 1 to 256.',
    "S3_BUKET is no setting, and does nothing: S3_BUCKET is one. Rename it, or unset it.",
    "FETCH_CONCURENCY is no setting, and does nothing: FETCH_CONCURRENCY is one. Rename it, or unset it."
  ])
  // What would be looked at then is another setup than the one that was meant.
  expect(of("store")).toEqual([])
  expect(stderr).toContain("4 things have to be mended: see above.")
  expect((await doctor([], { AWS_ACCESS_KEY_ID: "test" })).wrong).toMatchObject([
    { says: expect.stringContaining("AWS_SECRET_ACCESS_KEY is not set, but AWS_ACCESS_KEY_ID is") }
  ])
})

test("an MLflow server is asked, and one that is down stops nothing", async () => {
  const says = async (uri: string) => (await doctor([], { MLFLOW_TRACKING_URI: uri })).of("tracker")
  using server = Bun.serve({ port: 0, fetch: () => Response.json({ experiment: { experiment_id: "1" } }) })
  const origin = `http://127.0.0.1:${server.port}`
  expect(await says(origin.replace("://", "://me:secret@"))).toEqual([
    { check: "tracker", state: "ok", says: `The MLflow server at ${origin} answers: each run is logged there.` }
  ])
  await server.stop(true)
  expect(await says(origin)).toEqual([
    {
      check: "tracker",
      state: "note",
      says: `The MLflow server at ${origin} cannot be reached: runs go on, and are not logged there. See MLFLOW_TRACKING_URI.`
    }
  ])
})

test("no recordings, damaged weights, a database and a queue that are down: each is a sentence", async () => {
  await Bun.write(join(world.root, "cut/model.json"), "{")
  const { code, wrong } = await doctor([], {
    YAMNET_MODEL: join(world.root, "cut"),
    DATABASE_URL: "postgres://me:hidden@127.0.0.1:1/ecosight",
    SQS_QUEUE_URL: "http://127.0.0.1:1/1/recordings",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test-secret"
  })
  expect(code).toBe(1)
  expect(wrong.map(({ check }) => check)).toEqual(["store", "weights", "database", "queue"])
  expect(wrong[0]!.says).toContain("run `bun run init`")
  expect(wrong[1]!.says).toContain("set YAMNET_MODEL to where they are.")
  for (const { says } of wrong) expect(says).not.toMatch(/hidden|undefined|\n| {4}at /)
})

test("a folder of one class, and one that may not be written", async () => {
  await using one = await folderOf({ "extracted_audio/dog/1.wav": sound("dog_bark", 1) })
  const { wrong } = await doctor(["--store", one.root])
  expect(wrong).toMatchObject([
    { check: "recordings", says: expect.stringContaining("holds recordings of one class only, dog: put those of") }
  ])
  if (process.getuid?.() === 0)
    return console.log("Skipped: what may not be written, for this user may write anything.")
  await chmod(one.root, 0o500)
  const closed = await doctor(["--store", one.root])
  await chmod(one.root, 0o700)
  expect(closed.wrong).toMatchObject([{ check: "store", says: expect.stringContaining("may not be written") }, {}])
})

test("a bucket is listed and read, and with --write written and left as it was", async () => {
  using server = startS3Server({ refused: "intruder" })
  const environment = {
    S3_BUCKET: "recordings",
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test-secret"
  }
  const empty = await doctor(["--write"], environment)
  expect(empty.of("store")).toMatchObject([
    { state: "ok", says: "s3://recordings can be listed and read, and written." }
  ])
  expect(empty.wrong).toMatchObject([
    { check: "recordings", says: expect.stringContaining("s3://recordings holds no recordings") }
  ])
  expect([...server.bucket.keys()].filter((key) => key.includes("doctor"))).toEqual([])
  const refused = await doctor([], { ...environment, AWS_ACCESS_KEY_ID: "intruder" })
  expect(refused.wrong).toMatchObject([{ check: "store", says: expect.stringContaining("AWS_ACCESS_KEY_ID") }])
})
