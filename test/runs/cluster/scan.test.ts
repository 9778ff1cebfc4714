import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Option } from "effect"
import { makeScanRecipe } from "../../../src/embeddings/scans/scanRecipe.ts"
import { Scans } from "../../../src/embeddings/scans/scans.ts"
import { PART_WINDOWS } from "../../../src/runs/scan/recordingsInHand.ts"
import { folderStore } from "../../../src/store/folder.ts"
import {
  createDatabase,
  needsDatabase,
  startWorker,
  stopWorkers,
  type TestWorker,
  until,
  withoutDatabase
} from "../../support/clusterWorld.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { fill, keysIn } from "../../support/runWorld.ts"
import { fieldRecording, scanOn, scanOnCluster, scanServices, trainedStore } from "../../support/scanWorld.ts"
import { frontEnd, tiny } from "../../support/tinyEmbedder.ts"

setDefaultTimeout(240_000)

const PART_SECONDS = (PART_WINDOWS * frontEnd.hop) / frontEnd.sampleRate
/** Of more than one part, and less. */
const LENGTHS = [1.4, 0.15, 0.15, 0.15, 0.15, 0.01].map((parts) => parts * PART_SECONDS)
const keyOf = (at: number) => `field_audio/ridge/${at === 0 ? "long" : `short-${at}`}.wav`
const LONG = keyOf(0)
/** Milliseconds that a batch costs: the long recording is under way for a second and more. */
const ENGINE = "tiny10"

describe.skipIf(withoutDatabase)(`workers share a scan${needsDatabase}`, () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let folder: string
  const workers = new Set<TestWorker>()
  const store = () => folderStore(folder)
  let expected: { readonly events: ReadonlyMap<string, Uint8Array>; readonly windows: number }

  const start = async () => {
    const worker = await startWorker(database.url, folder, { engine: ENGINE })
    workers.add(worker)
  }
  const eventParts = async () => {
    const keys = await keysIn(store(), "events/")
    return new Map(
      await Promise.all(keys.map(async (key) => [key, (await Effect.runPromise(store().get(key))).bytes] as const))
    )
  }
  beforeAll(async () => {
    const { objects } = await trainedStore()
    const sounds = LENGTHS.map((seconds, at) => [keyOf(at), fieldRecording(seconds, at, 97)] as const)
    database = await createDatabase()
    folder = await mkdtemp(join(tmpdir(), "cluster-scan-"))
    await fill(store(), [...objects, ...sounds])
    const alone = new Map([...objects, ...sounds])
    const { patches } = await scanOn(memoryStore(alone))
    expected = { events: new Map([...alone].filter(([key]) => key.startsWith("events/"))), windows: patches }
    await Promise.all([start(), start()])
  })
  afterAll(async () => {
    await stopWorkers(workers)
    await database[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  /** Until it is lifted, no recording whose key contains `part` is read. */
  const hold = (part: string) => fill(store(), [["hold", new TextEncoder().encode(part)]])
  const lift = () => rm(join(folder, "hold"))
  const shardsOf = async ({ health }: TestWorker) => {
    const state = (await (await fetch(health)).json()) as { shards: ReadonlyArray<{ name: string }> }
    return state.shards
  }
  const allBusy = () =>
    until("both workers to have a shard", async () => {
      const shards = await Promise.all([...workers].map(shardsOf))
      return shards.every(({ length }) => length > 0) ? true : undefined
    })
  /** The worker that hears the long recording, which is the first shard. */
  const holder = () =>
    until("a worker to hear the long recording", async () => {
      for (const worker of workers) {
        if ((await shardsOf(worker)).some(({ name }) => name.startsWith("0-000000"))) return worker
      }
      return undefined
    })
  const index = () =>
    Effect.runPromise(
      Effect.flatMap(Scans, (scans) => scans.index(makeScanRecipe(tiny, "float32"))).pipe(
        Effect.provide(scanServices(store()))
      )
    )
  const untilPartStored = () =>
    until("a part of the long recording to be stored", async () => {
      const long = Option.getOrThrow(await Effect.runPromise(store().find(LONG)))
      return (await index()).windowsOf(long) > 0 ? true : undefined
    })
  /** All is heard, each window once, and the events are those of one machine, bit for bit. */
  const expectSame = async () => {
    expect(await eventParts()).toEqual(expected.events as Map<string, Uint8Array>)
    const known = await index()
    const stored = [...known.recordings.values()]
    expect(stored.reduce((sum, { windows }) => sum + windows, 0)).toBe(expected.windows)
    expect(stored.flatMap((recording) => known.placesOf(recording)).every(({ skip }) => skip === 0)).toBe(true)
    expect((await keysIn(store(), "runs/")).filter((key) => /^runs\/[^/]+\/\d/.test(key))).toEqual([])
  }

  test("and hear what one machine hears, to the bit, also one that was given up before", async () => {
    await hold("/short-")
    const given = scanOnCluster(database.url, store())
    await allBusy()
    await untilPartStored()
    given.cancel()
    await given.result.catch(() => undefined)
    await until("the workers to stop", async () => {
      const shards = await Promise.all([...workers].map(shardsOf))
      return shards.every(({ length }) => length === 0) ? true : undefined
    })
    await lift()
    const before = (await index()).recordings.size
    expect(before).toBeLessThan(LENGTHS.length)

    const progress: Array<number> = []
    const { result } = scanOnCluster(database.url, store(), {
      onProgress: ({ hours }) => Effect.sync(() => void progress.push(hours))
    })
    const summary = await result
    expect(summary).toMatchObject({ recordings: LENGTHS.length, heard: LENGTHS.length - before, skipped: [] })
    expect(progress.at(-1)).toBeCloseTo(summary.hours, 2)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    await expectSame()
  })

  test("and leave out a recording that ends every process, by name", async () => {
    const poison = "field_audio/ridge/poison.wav"
    await fill(store(), [[poison, fieldRecording(10, 50)]])
    const { heard, skipped } = await scanOnCluster(database.url, store()).result
    await rm(join(folder, poison))
    expect(heard).toBe(0)
    expect(skipped).toEqual([
      { key: poison, reason: "It cannot be heard: each time, the engine process ended (signal SIGKILL)." }
    ])
    await expectSame()
  })

  test("and one goes on for another that is killed, from what is stored", async () => {
    for (const prefix of ["scans", "events"]) await rm(join(folder, prefix), { recursive: true })
    await hold(LONG)
    const { result } = scanOnCluster(database.url, store())
    const victim = await holder()
    await lift()
    await untilPartStored()
    victim.process.kill("SIGKILL")
    expect(await result).toMatchObject({ heard: LENGTHS.length, skipped: [] })
    await expectSame()
  })
})
