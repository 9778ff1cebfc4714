import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { Effect, Option } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { readPointer } from "../../src/registry/pointer.ts"
import type { RunSummary } from "../../src/runs/summary.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { LEASE_KEY, modelKey, versionKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { corpusOf, storedVectors } from "../support/clusterWorld.ts"
import { fill, json, keysIn, succeed } from "../support/runWorld.ts"
import { needsServer, otherS3Store, otherServer, storeAt, temporaryFolder } from "../support/stores.ts"
import { frontEnd, tiny } from "../support/tinyEmbedder.ts"
import { MORTAL_OPTIONS } from "./mortalOptions.ts"

setDefaultTimeout(3_600_000)

// A part of 128 recordings and another, so large that a death in the stream may leave some stored and some not, however fast
// the machine is.
const RECORDINGS = 250
/** Events of a whole run: one for each recording and epoch, and two for each of 11 files, and one for a seal. */
const STAGES = { list: 2, stream: RECORDINGS, train: 12, publish: 23 } as const
type Stage = keyof typeof STAGES
const SLOW = process.env.TEST_SLOW !== undefined
const INSTANTS = SLOW ? 50 : 4

/** A run in a process of its own, killed at the `count`th event of a stage and a little later; its summary if it lived. */
const runUntil = async (location: string, stage: Stage, count: number, delay: number) => {
  const child = Bun.spawn(["bun", join(import.meta.dir, "mortalRun.ts"), location], { stdout: "pipe", stderr: "pipe" })
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

type StoreService = Store["Service"]

const bytesOf = (store: StoreService, key: string) =>
  Effect.runPromise(Effect.map(store.get(key), ({ bytes }) => bytes))

const complete = (store: StoreService) => succeed(store, MORTAL_OPTIONS, {}, undefined, [], tiny)

/** How many recordings' vectors are stored. */
const storedIn = async (store: StoreService) => {
  const isNone = (await keysIn(store, "embeddings/")).length === 0
  return isNone ? 0 : (await storedVectors(store, frontEnd)).length
}

/** Loads and runs the model at these keys; its classes. */
const load = async (store: StoreService, keyOf: (file: string) => string): Promise<ReadonlyArray<string>> => {
  const classes = JSON.parse(
    new TextDecoder().decode(await bytesOf(store, keyOf("class_names.json")))
  ) as ReadonlyArray<string>
  const session = await InferenceSession.create(await bytesOf(store, keyOf("classifier.onnx")))
  const size = frontEnd.vectors.levels!
  const outputs = await session.run({
    [session.inputNames[0]!]: new Tensor("float32", new Float32Array(size).fill(1), [1, size])
  })
  expect(outputs[session.outputNames[0]!]!.data.length).toBe(classes.length)
  await session.release()
  return classes
}

const statusesIn = async (store: StoreService) => {
  const records = (await keysIn(store, "runs/")).filter((key) => key !== LEASE_KEY)
  return Promise.all(records.map(async (key) => ((await json(store, key)) as { status: string }).status))
}

/** Kills a run on the store here at one instant after the other, and looks at what is left and at the next run. */
const survive = async (location: string) => {
  const store = storeAt(location)
  await fill(store, corpusOf(RECORDINGS))
  const random = seededRandom(4)
  const stages = Object.keys(STAGES) as ReadonlyArray<Stage>
  let promoted = (await complete(store)).runId
  const undisturbed = await storedVectors(store, frontEnd)
  expect(undisturbed).toHaveLength(RECORDINGS)
  const deaths = { list: 0, stream: 0, train: 0, publish: 0 }
  const resumed: Array<number> = []
  for (let instant = 0; instant < INSTANTS; instant++) {
    const stage = stages[instant % stages.length]!
    for (const key of await keysIn(store, "embeddings/")) await Effect.runPromise(store.remove(key))
    const survivor = await runUntil(location, stage, 1 + Math.floor(random() * STAGES[stage]), 20 * random())
    if (survivor === undefined) deaths[stage]++

    const pointer = Option.getOrThrow(await Effect.runPromise(readPointer().pipe(Effect.provideService(Store, store))))
    expect(await load(store, (file) => versionKey(pointer.runId, file))).toEqual(["dog_bark", "gun_shot"])
    // Before the pointer moves, nothing has changed for anybody.
    if (stage !== "publish") expect(pointer.runId).toBe(survivor?.runId ?? promoted)

    const stored = await storedIn(store)
    resumed.push(stored)
    const next = await complete(store)
    expect(next).toMatchObject({
      recordings: RECORDINGS,
      embedded: RECORDINGS - stored,
      reused: stored,
      promoted: true
    })
    promoted = next.runId
    expect(await storedVectors(store, frontEnd)).toEqual(undisturbed)
    expect(await statusesIn(store)).not.toContain("running")
    expect(await load(store, modelKey)).toEqual(["dog_bark", "gun_shot"])
    expect(await json(store, modelKey("model_metadata.json"))).toMatchObject({ run_id: promoted })
    if (SLOW) console.log(`${location}, ${instant + 1}: killed in ${stage}, ${stored} recordings were stored.`)
  }
  // The instants are worth something only if most runs did die there, and some with a part of the work stored.
  for (const stage of stages) expect(deaths[stage]).toBeGreaterThan(0)
  expect(resumed.some((stored) => stored > 0 && stored < RECORDINGS) || !SLOW).toBe(true)
  if (SLOW) console.log(location, deaths)
}

// Each waits for its store and its processes much of the time: the other one works meanwhile.
describe(`killed at any of ${INSTANTS} instants (TEST_SLOW: 50), a run leaves a model that loads, and the next goes on from there`, () => {
  test.concurrent("in a folder", () =>
    Effect.runPromise(
      temporaryFolder.pipe(
        Effect.flatMap((folder) => Effect.promise(() => survive(folder))),
        Effect.scoped
      )
    ))

  test.concurrent.skipIf(otherServer === undefined)(`on a bucket of another's server${needsServer}`, async () => {
    const { bucket } = await Effect.runPromise(otherS3Store(otherServer!))
    await survive(`s3://${bucket}`)
  })
})
