import { expect, setDefaultTimeout, test } from "bun:test"
import { Effect } from "effect"
import { makeFieldWatch } from "../../../src/runs/watch/fieldWatch.ts"
import { fill } from "../../support/runWorld.ts"
import { eventsIn, fieldRecording, scanServices, train, trainedStore } from "../../support/scanWorld.ts"
import { tiny } from "../../support/tinyEmbedder.ts"

setDefaultTimeout(120_000)

const KEY = "field_audio/ridge/a.wav"

/** A store with a model, and a watcher that looks when it is told to. */
const start = async (environment: Record<string, string>) => {
  const world = await trainedStore()
  let patches = 0
  const services = scanServices(
    world.store,
    (count) => {
      patches += count
    },
    environment
  )
  const watcher = await Effect.runPromise(makeFieldWatch(tiny).pipe(Effect.provide(services)))
  const look = async () => {
    const before = patches
    await Effect.runPromise(watcher.look.pipe(Effect.provide(services)))
    return patches - before
  }
  return { ...world, look }
}

test("a field recording is heard once two looks find it the same, and once only", async () => {
  const { objects, store, runId, look } = await start({})
  expect(await look()).toBe(0)
  await fill(store, [[KEY, fieldRecording(20, 1).slice(0, 100_000)]])
  expect(await look()).toBe(0)
  // It was being copied in.
  await fill(store, [[KEY, fieldRecording(70, 1)]])
  expect(await look()).toBe(0)
  expect(await look()).toBeGreaterThan(0)
  expect((await eventsIn(store, runId)).length).toBeGreaterThan(0)
  expect(await look()).toBe(0)
  // Whatever a newly promoted model hears comes from what is stored.
  const other = await train(store, 7)
  expect(await look()).toBe(0)
  expect((await eventsIn(store, other)).length).toBeGreaterThan(0)
  // What lies there is replaced: nothing is told of what was there before.
  objects.set(KEY, fieldRecording(2, 5))
  await look()
  await look()
  expect((await eventsIn(store, other)).every(({ end }) => end <= 2)).toBe(true)
})

test("SCAN_LANDED=0 leaves them to bun run scan", async () => {
  const { store, look } = await start({ SCAN_LANDED: "0" })
  await fill(store, [[KEY, fieldRecording(20, 1)]])
  expect((await look()) + (await look())).toBe(0)
})
