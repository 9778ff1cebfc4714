import { expect, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Logger } from "effect"
import { readPointer } from "../../src/registry/pointer.ts"
import { pruneVersions } from "../../src/registry/prune.ts"
import { promoteVersion, rollback, writeVersion } from "../../src/registry/publish.ts"
import { wholeVersions } from "../../src/registry/trainingSet.ts"
import { folderStore } from "../../src/store/folder.ts"
import { runKey } from "../../src/store/keys.ts"
import { Store, StoreError } from "../../src/store/store.ts"
import { mortal } from "../store/mortal.ts"

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const artifactsOf = (runId: string) =>
  new Map([
    ["yamnet_classifier.keras", json(runId)],
    ["model_metadata.json", json({ run_id: runId })],
    ["training_set.json", json({})]
  ])

/** A store with versions a to f, of which a, c and d were promoted in turn. */
const open = async () => {
  const folder = await mkdtemp(join(tmpdir(), "prune-"))
  const store = folderStore(folder)
  const run = <A, E>(effect: Effect.Effect<A, E, Store>, on: Store["Service"] = store) =>
    Effect.runPromise(Effect.provideService(effect, Store, on))
  for (const runId of ["a", "b", "c", "d", "e", "f"]) {
    await run(writeVersion(runId, artifactsOf(runId)))
    await run(store.put(runKey(runId), json({ runId, status: "finished" })))
    if ("acd".includes(runId)) await run(Effect.flatMap(readPointer(), (from) => promoteVersion(runId, from)))
  }
  const versions = async () => (await readdir(join(folder, "models/versions"))).sort()
  return { store, run, versions, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

test("old versions go, but for what is promoted and where a rollback goes", async () => {
  await using world = await open()
  expect(await world.run(pruneVersions(6))).toEqual([])
  expect(await world.run(pruneVersions(2))).toEqual(["b"])
  expect(await world.run(pruneVersions(1))).toEqual(["e"])
  expect(await world.run(wholeVersions)).toEqual(["a", "c", "d", "f"])
  // No empty folders are left behind.
  expect(await world.versions()).toEqual(["a", "c", "d", "f"])
  expect(await world.run(rollback())).toEqual({ runId: "c", from: "d" })
  expect(await world.run(pruneVersions(1))).toEqual(["d"])
  expect(await world.run(rollback())).toEqual({ runId: "a", from: "c" })
})

test("what may not be removed stays whole, and the missing permission is told of once", async () => {
  await using world = await open()
  const log: Array<string> = []
  const readOnly: Store["Service"] = {
    ...world.store,
    remove: (key) => Effect.fail(new StoreError({ reason: "denied", key, message: "s3:DeleteObject is missing." }))
  }
  const pruning = Effect.provide(
    pruneVersions(1),
    Logger.layer([Logger.make(({ message }) => void log.push(String(message)))])
  )
  expect(await world.run(pruning, readOnly)).toEqual([])
  expect(await world.run(wholeVersions)).toEqual(["a", "b", "c", "d", "e", "f"])
  expect(log).toEqual(["s3:DeleteObject is missing. What is needed no more stays until then."])
})

test("whichever request it dies at, a version is whole or does not count, and the next one goes on", async () => {
  for (let requests = 0; ; requests++) {
    await using world = await open()
    const exit = await Effect.runPromiseExit(
      Effect.provideService(pruneVersions(1), Store, mortal(world.store, requests))
    )
    for (const runId of await world.run(wholeVersions)) {
      expect(await Bun.file(join(world.store.location, "models/versions", runId, "model_metadata.json")).exists()).toBe(
        true
      )
    }
    await world.run(pruneVersions(1))
    expect(await world.run(wholeVersions)).toEqual(["a", "c", "d", "f"])
    if (exit._tag === "Success") break
  }
})
