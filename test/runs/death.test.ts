import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Option, Stream } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { EMBEDDING_SIZE } from "../../src/embedder/yamnet/mobilenet.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { readPointer } from "../../src/registry/pointer.ts"
import type { RunSummary } from "../../src/runs/summary.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { folderStore } from "../../src/store/folder.ts"
import { LEASE_KEY, modelKey, recordingKey, versionKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { fill, json, keysIn, sound, succeed } from "../support/runWorld.ts"
import { MORTAL_OPTIONS } from "./mortalOptions.ts"

setDefaultTimeout(3_600_000)

// A part of 128 recordings and another, so that a death in the stream may leave some stored and some not.
const RECORDINGS = 150
/** Events of a whole run: one for each recording and epoch, and two for each of 11 files, and one for a seal. */
const STAGES = { stream: RECORDINGS, train: 12, publish: 23 } as const
const INSTANTS = process.env.TEST_SLOW === undefined ? 3 : 50

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "death-"))
  const corpus = Array.from({ length: RECORDINGS }, (_, i) => {
    const className = i % 2 === 0 ? "dog_bark" : "gun_shot"
    return [recordingKey(className, `${i}-0-0-0.wav`), sound(className, i)] as const
  })
  await fill(store(), corpus)
})
afterAll(() => rm(folder, { recursive: true }))

const store = () => folderStore(folder)
const run = <A, E>(effect: Effect.Effect<A, E, Store | Embeddings>) =>
  Effect.runPromise(effect.pipe(Effect.provide(Layer.provideMerge(Embeddings.layer, Layer.sync(Store, store)))))

/** A run in a process of its own, killed at the `count`th event of a stage and a little later; whether it died. */
const runUntil = async (stage: string, count: number, delay: number) => {
  const child = Bun.spawn(["bun", join(import.meta.dir, "mortalRun.ts"), folder], { stdout: "pipe", stderr: "pipe" })
  const errors = new Response(child.stderr).text()
  let left = count
  let rest = ""
  let last = ""
  for await (const chunk of child.stdout) {
    const lines = (rest + new TextDecoder().decode(chunk)).split("\n")
    rest = lines.pop()!
    for (const line of lines) {
      if (line === stage && --left === 0) setTimeout(() => child.kill("SIGKILL"), delay)
      last = line
    }
  }
  await child.exited
  if (child.signalCode !== "SIGKILL" && child.exitCode !== 0) throw new Error(await errors)
  return child.signalCode === "SIGKILL" ? undefined : (JSON.parse(last) as RunSummary)
}

const complete = () => succeed(store(), MORTAL_OPTIONS)

const storedRecordings = async (recipe: string) => {
  const parts = await run(
    Effect.flatMap(Embeddings, ({ index }) => index({ id: recipe } as Parameters<typeof index>[0]))
  )
  return [...parts.contents()].length
}

/** A digest of all vectors that a run would train on, however they lie in parts. */
const vectorsOf = (recipe: string) =>
  run(
    Effect.gen(function* () {
      const embeddings = yield* Embeddings
      const stored = { id: recipe, parts: { weights: "" } } as unknown as Parameters<typeof embeddings.load>[0]
      const known = yield* embeddings.index(stored)
      const loaded = yield* Stream.runCollect(embeddings.load(stored, new Set(known.contents())))
      const hash = new Bun.CryptoHasher("sha256")
      for (const { contentHash, variants } of loaded.sort((a, b) => (a.contentHash < b.contentHash ? -1 : 1))) {
        hash.update(contentHash)
        for (const { vector } of variants) hash.update(new Uint8Array(vector.buffer))
      }
      return hash.digest("hex")
    })
  )

const recipeOf = async () => (await keysIn(store(), "embeddings/"))[0]?.split("/")[1]

/** Loads and runs the model at these keys. */
const load = async (keyOf: (file: string) => string): Promise<ReadonlyArray<string>> => {
  const read = (file: string) => run(Effect.flatMap(Store, (store) => store.get(keyOf(file))))
  const classes = JSON.parse(new TextDecoder().decode((await read("class_names.json")).bytes)) as ReadonlyArray<string>
  const session = await InferenceSession.create((await read("classifier.onnx")).bytes)
  const input = new Tensor("float32", new Float32Array(EMBEDDING_SIZE).fill(1), [1, EMBEDDING_SIZE])
  const outputs = await session.run({ [session.inputNames[0]!]: input })
  expect(outputs[session.outputNames[0]!]!.data.length).toBe(classes.length)
  await session.release()
  return classes
}

test(`killed at any of ${INSTANTS} instants, a run leaves a model that loads, and the next goes on from there (TEST_SLOW: 50)`, async () => {
  const random = seededRandom(4)
  const stages = Object.keys(STAGES) as ReadonlyArray<keyof typeof STAGES>
  let promoted = (await complete()).runId
  const undisturbed = await vectorsOf((await recipeOf())!)
  const deaths = { stream: 0, train: 0, publish: 0 }
  const resumed: Array<number> = []
  for (let instant = 0; instant < INSTANTS; instant++) {
    const stage = stages[instant % stages.length]!
    await rm(join(folder, "embeddings"), { recursive: true })
    const survivor = await runUntil(stage, 1 + Math.floor(random() * STAGES[stage]), 20 * random())
    if (survivor === undefined) deaths[stage]++

    const pointer = Option.getOrThrow(await run(readPointer()))
    expect(await load((file) => versionKey(pointer.runId, file))).toEqual(["dog_bark", "gun_shot"])
    // Before the pointer moves, nothing has changed for anybody.
    if (stage !== "publish") expect(pointer.runId).toBe(survivor?.runId ?? promoted)

    const recipe = await recipeOf()
    const stored = recipe === undefined ? 0 : await storedRecordings(recipe)
    resumed.push(stored)
    const next = await complete()
    expect(next).toMatchObject({
      recordings: RECORDINGS,
      embedded: RECORDINGS - stored,
      reused: stored,
      promoted: true
    })
    promoted = next.runId
    expect(await vectorsOf((await recipeOf())!)).toBe(undisturbed)
    const records = (await keysIn(store(), "runs/")).filter((key) => key !== LEASE_KEY)
    const texts = await Promise.all(records.map((key) => json(store(), key)))
    expect(texts.filter((record) => (record as { status: string }).status === "running")).toEqual([])
    expect(await load(modelKey)).toEqual(["dog_bark", "gun_shot"])
    const copied = await run(Effect.flatMap(Store, (store) => store.get(modelKey("model_metadata.json"))))
    expect(JSON.parse(new TextDecoder().decode(copied.bytes)).run_id).toBe(promoted)
  }
  // The instants are worth something only if most runs did die there, and some with a part of the work stored.
  expect(deaths.stream).toBeGreaterThan(0)
  expect(deaths.train).toBeGreaterThan(0)
  expect(deaths.publish).toBeGreaterThan(0)
  expect(resumed.some((stored) => stored > 0 && stored < RECORDINGS) || INSTANTS < 50).toBe(true)
  if (INSTANTS >= 50) console.log({ deaths, resumed })
})
