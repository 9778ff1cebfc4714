import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { Effect } from "effect"
import { folderStore } from "../../src/store/folder.ts"
import { LEASE_KEY, recordingKey } from "../../src/store/keys.ts"
import { storedVectors, until } from "../support/clusterWorld.ts"
import { resultOf } from "../support/program.ts"
import { fill, json, keysIn, smallCorpus, sound } from "../support/runWorld.ts"
import { serverWorld, startCommand } from "../support/serverWorld.ts"
import { needsServer, otherServer } from "../support/stores.ts"

setDefaultTimeout(180_000)

const LITTLE = ["--epochs", "2", "--augmentations", "1", "--json"]

interface Summary {
  readonly runId: string
  readonly recordings: number
  readonly embedded: number
  readonly reused: number
  readonly promoted: boolean
}

// In the order in which a user goes through them; each finds what those before it left.
describe.skipIf(otherServer === undefined)(`a bucket of another's server${needsServer}`, () => {
  let world: Awaited<ReturnType<typeof serverWorld>>
  const runs: Array<string> = []
  beforeAll(async () => {
    world = await serverWorld(otherServer!)
    await fill(folderStore(join(world.folder, "alone")), smallCorpus())
  })
  afterAll(() => world[Symbol.asyncDispose]())

  /** Runs a command on the bucket, or on another store; what `--json` printed. */
  const command = async (name: string, args: ReadonlyArray<string>, store = world.location) => {
    const { ended, said } = startCommand(name, [...args, "--store", store], world.environment, world.folder)
    const code = await ended
    return { code, said: said(), result: () => resultOf({ stdout: said() }) }
  }
  const succeed = async (name: string, args: ReadonlyArray<string>, store?: string): Promise<unknown> => {
    const { code, said, result } = await command(name, args, store)
    expect({ code, said }).toMatchObject({ code: 0 })
    return result()
  }
  const retrain = async (args: ReadonlyArray<string> = [], store?: string) =>
    (await succeed("retrain", [...LITTLE, ...args], store)) as Summary
  const versions = async () =>
    (await succeed("models", ["list", "--json"])) as ReadonlyArray<{ runId: string; state: string }>

  test("upload: once, and again only what changed", async () => {
    const folder = join(world.folder, "alone/extracted_audio")
    expect(await succeed("upload", [folder, "--json"])).toMatchObject({ uploaded: 10, unchanged: 0, refused: [] })
    expect(await succeed("upload", [folder, "--json"])).toMatchObject({ uploaded: 0, unchanged: 10, refused: [] })
  })

  test("retrain: the vectors that a folder gives, a version, promoted", async () => {
    const summary = await retrain()
    expect(summary).toMatchObject({ recordings: 10, embedded: 10, promoted: true })
    runs.push(summary.runId)
    const alone = join(world.folder, "alone")
    expect(await retrain([], alone)).toMatchObject({ recordings: 10, embedded: 10 })
    expect(await storedVectors(world.location)).toEqual(await storedVectors(alone))
    expect(await json(world.store, `runs/${summary.runId}.json`)).toMatchObject({ status: "finished" })
  })

  test("retrain again: embeds nothing", async () => {
    const summary = await retrain(["--promote", "always"])
    expect(summary).toMatchObject({ recordings: 10, embedded: 0, reused: 10, promoted: true })
    runs.push(summary.runId)
  })

  test("two at once: one trains, the other says so and leaves nothing", async () => {
    const args = [...LITTLE, "--promote", "always", "--store", world.location]
    const first = startCommand("retrain", args, world.environment, world.folder)
    const { runId } = await until("the first to hold the lease", async () => {
      const lease = (await json(world.store, LEASE_KEY)) as { runId: string; released: boolean }
      return lease.released ? undefined : lease
    })
    // However fast it is, it holds the lease until the other has asked.
    first.child.kill("SIGSTOP")
    const second = await command("retrain", [...LITTLE, "--promote", "always"])
    first.child.kill("SIGCONT")
    expect({ code: await first.ended, said: first.said() }).toMatchObject({ code: 0 })
    expect(second.code).not.toBe(0)
    expect(second.said).toContain(`Run ${runId} is training on this store already`)
    runs.push(runId)
    const known = await versions()
    expect(known.map((version) => version.runId).sort()).toEqual(runs.toSorted())
    expect(known.filter(({ state }) => state === "promoted")).toMatchObject([{ runId }])
  })

  test("watch: a new recording, an early name, a changed one and a new class are embedded within a look or two", async () => {
    const watch = startCommand(
      "watch",
      ["--store", world.location, "--min-new-samples", "1000", "--augmentations", "1", "--no-audit"],
      world.environment,
      world.folder
    )
    try {
      await until("the watcher to look", () => (watch.said().includes("Watching") ? true : undefined))
      const keys = [
        recordingKey("dog_bark", "~late.wav"),
        recordingKey("dog_bark", "!early.wav"),
        recordingKey("dog_bark", "~late.wav"),
        recordingKey("foxes", "odd name+1 é%.wav")
      ]
      for (const [i, key] of keys.entries()) {
        await fill(world.store, [[key, sound("dog_bark", 900 + i)]])
        await until(`${key} to be embedded`, () =>
          watch.said().split("Embedded 1 new recording.").length > i + 1 ? true : undefined
        )
      }
    } finally {
      watch.child.kill("SIGTERM")
    }
    await watch.ended
    expect(watch.said()).not.toContain("Trying again")
  })

  test("review: looks through all, and moves a recording back and forth", async () => {
    expect(await succeed("review", ["--json"])).toMatchObject({ recordings: 13, unknown: 0 })
    const [key] = await keysIn(world.store, "extracted_audio/foxes/")
    await succeed("review", ["relabel", key!, "dog_bark", "--json"])
    expect(await keysIn(world.store, "extracted_audio/foxes/")).toEqual([])
    const moved = key!.replace("/foxes/", "/dog_bark/")
    await succeed("review", ["set-aside", moved, "--json"])
    expect(await keysIn(world.store, "set_aside/")).toHaveLength(1)
    await succeed("review", ["restore", ...(await keysIn(world.store, "set_aside/")), "--json"])
    const { bytes } = await Effect.runPromise(world.store.get(moved))
    expect(Buffer.from(bytes).equals(Buffer.from(sound("dog_bark", 903)))).toBe(true)
    const summary = await retrain(["--promote", "always"])
    expect(summary).toMatchObject({ recordings: 13, embedded: 0 })
    runs.push(summary.runId)
  })

  test("models: list, show, diff, promote and rollback", async () => {
    const [first, second] = runs as [string, string]
    const current = async () => ((await json(world.store, "models/current.json")) as { runId: string }).runId
    expect(await current()).toBe(runs.at(-1)!)
    await succeed("models", ["show", first, "--json"])
    await succeed("models", ["diff", first, second, "--json"])
    await succeed("models", ["promote", first, "--json"])
    expect(await current()).toBe(first)
    await succeed("models", ["rollback", "--json"])
    expect(await current()).toBe(runs.at(-1)!)
  })

  test("evaluate: a table, a page and JSON", async () => {
    const args = [
      "--folds",
      "2",
      "--repeats",
      "1",
      "--epochs",
      "2",
      "--augmentations",
      "1",
      "--compare",
      "linear,audioset"
    ]
    expect(await succeed("evaluate", [...args, "--json"])).toMatchObject({ recordings: 13 })
  })
})
