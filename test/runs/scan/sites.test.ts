import { expect, setDefaultTimeout, test } from "bun:test"
import { ConfigProvider, Effect, Layer, Logger, Stream } from "effect"
import type { EventSettings } from "../../../src/classifier/events/findEvents.ts"
import { Settings } from "../../../src/config/settings.ts"
import { codeVectors, decodeVectors, vectorsIn } from "../../../src/embeddings/scans/coding.ts"
import { earlierRecipes, makeScanRecipe, windowTimes } from "../../../src/embeddings/scans/scanRecipe.ts"
import { Scans } from "../../../src/embeddings/scans/scans.ts"
import { placeRecordings } from "../../../src/runs/scan/fieldRecordings.ts"
import { judgePlaced } from "../../../src/runs/scan/judgePlaced.ts"
import { eventsOf } from "../../../src/runs/scan/storedEvents.ts"
import type { WindowModel } from "../../../src/runs/scan/windowModel.ts"
import { eventsPrefix } from "../../../src/store/keys.ts"
import { Store } from "../../../src/store/store.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { SIZE, siteWindows, VECTORS, WORLD } from "../../support/siteWorld.ts"
import { tiny } from "../../support/tinyEmbedder.ts"

setDefaultTimeout(60_000)

const embedder = { hash: tiny.hash, frontEnd: { ...tiny.frontEnd, vectors: VECTORS } }
const recipe = makeScanRecipe(embedder, "float32")
const events: EventSettings = { threshold: 0.4, perClass: {} }

/** A model that hears windows of this recipe by the numbers of `layer8max`. */
const model: WindowModel = {
  runId: "20260101T000000000Z-000000",
  classes: WORLD.classes,
  thresholds: {},
  silent: [],
  kept: WORLD.kept,
  inputs: 2 + SIZE,
  score: ({ count, codes, ranges }) =>
    Effect.sync(() => {
      const rows = new Float32Array(count * SIZE)
      for (let at = 0; at < count; at++) {
        const [low, step] = [ranges[4 * at + 2]!, ranges[4 * at + 3]!]
        for (let i = 0; i < SIZE; i++) rows[at * SIZE + i] = low + codes[(2 + i) * count + at]! * step
      }
      return WORLD.hear(rows).probabilities
    })
}

/** A recording that was heard: so many windows of a site with a drill. */
const heard = Effect.fnUntraced(function* (key: string, windows: number, seed: number) {
  const own = siteWindows(windows, seed)
  const rows = new Float32Array(windows * (2 + SIZE))
  for (let at = 0; at < windows; at++) rows.set(own.subarray(at * SIZE, (at + 1) * SIZE), at * (2 + SIZE) + 2)
  const contentHash = String(seed).padEnd(64, "0")
  yield* (yield* Scans).append(recipe, [
    {
      key,
      etag: key,
      first: 0,
      windows: codeVectors(rows, [2, SIZE]),
      recording: {
        ...{ key, etag: key, size: windows, contentHash, beginning: contentHash, site: key.split("/")[1]!, windows },
        ...{ seconds: windows / 2, sampleRate: 16_000, repairs: [], facts: {} }
      }
    }
  ])
})

const judge = Effect.fnUntraced(function* (
  keys: ReadonlyArray<string>,
  own: WindowModel = model,
  site?: string,
  settings = events
) {
  const known = yield* (yield* Scans).index(recipe)
  const objects = keys.map((key) => ({ key, etag: key, size: 1 }))
  const placing = placeRecordings(known, objects, { site })
  const { judged, learnt } = yield* judgePlaced({ recipe, known, model: own, events: settings }, placing)
  const told = yield* Stream.runCollect(eventsOf(model.runId, settings, placing.placed))
  return { judged, learnt, shots: told.filter((event) => event.class === "gun_shot").length }
})

const world = (environment: Record<string, string> = {}) => {
  const objects = new Map<string, Uint8Array>()
  const services = Layer.mergeAll(
    Scans.layer,
    Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: environment })))),
    Logger.layer([])
  ).pipe(Layer.provideMerge(Layer.succeed(Store, memoryStore(objects))))
  const run = <A, E>(effect: Effect.Effect<A, E, Layer.Success<typeof services>>) =>
    Effect.runPromise(effect.pipe(Effect.scoped, Effect.provide(services)))
  const learnt = () => [...objects.keys()].filter((key) => key.startsWith(`${eventsPrefix(model.runId)}sites/`))
  return { objects, run, learnt }
}

const [A, B, C] = ["field_audio/ridge/a.wav", "field_audio/ridge/b.wav", "field_audio/valley/c.wav"]

test("a site is learnt once twenty minutes of it are heard, and again when there is twice as much", async () => {
  const { objects, run, learnt } = world()
  const little = await run(Effect.andThen(heard(A, 1500, 1), judge([A])))
  expect(learnt()).toEqual([])
  expect(little.shots).toBeGreaterThan(10)

  // What was told of the first one is told anew.
  const enough = await run(Effect.andThen(heard(B, 1500, 2), judge([A, B])))
  expect(enough).toMatchObject({ judged: 2, learnt: ["ridge"] })
  expect(enough.shots).toBeLessThan(little.shots / 4)
  const [key] = learnt()
  const first = objects.get(key!)

  // Another site is another place, and a little more of this one changes nothing.
  const other = await run(Effect.andThen(heard(C, 1500, 3), judge([A, B, C])))
  expect(other).toMatchObject({ judged: 1, learnt: [] })
  expect(other.shots).toBeGreaterThan(enough.shots + 10)
  expect(learnt()).toEqual([key!])
  expect(objects.get(key!)).toEqual(first!)
  expect((await run(judge([A, B, C]))).judged).toBe(0)

  const D = "field_audio/ridge/d.wav"
  const twice = await run(Effect.andThen(heard(D, 3000, 4), judge([A, B, C, D])))
  expect(twice.judged).toBe(3)
  expect(objects.get(key!)).not.toEqual(first!)
  // Each recording has one part, and those of before are gone.
  expect([...objects.keys()].filter((own) => own.endsWith(".parquet") && own.startsWith("events/"))).toHaveLength(4)
})

test("what was learnt and is damaged, or another's, is learnt anew", async () => {
  const { objects, run, learnt } = world()
  const whole = await run(Effect.andThen(heard(A, 3000, 1), judge([A])))
  const [key] = learnt()
  const bytes = objects.get(key!)!
  const own = JSON.parse(new TextDecoder().decode(bytes))
  const { kernel } = own
  const filled = (value: number) =>
    Buffer.from(new Float32Array(kernel.length).fill(value).buffer).toString("base64").slice(0, kernel.length)
  for (const wrong of [
    { bias: [] },
    { bias: [1e300, 0, 0] },
    { kernel: "" },
    { kernel: kernel.slice(4) },
    { bias: [1e30, 0, 0] },
    { kernel: filled(3e38) },
    { kernel: filled(Number.NaN) },
    { learning: "site-0" },
    { recipe: "another" },
    { windows: 1e15 }
  ]) {
    objects.set(key!, new TextEncoder().encode(JSON.stringify({ ...own, ...wrong })))
    expect(await run(judge([A]))).toEqual({ judged: 0, learnt: ["ridge"], shots: whole.shots })
    expect(objects.get(key!)).toEqual(bytes)
  }
})

test("events are never told as if a site were learnt when it is not", async () => {
  const { objects, run, learnt } = world()
  const { kept: _, ...deaf } = model
  const known = await run(Effect.andThen(heard(A, 3000, 1), judge([A])))
  const plain = await run(judge([A], deaf))
  expect(plain.judged).toBe(1)
  expect(plain.shots).toBeGreaterThan(2 * known.shots)
  expect(await run(judge([A]))).toEqual({ ...known, learnt: [] })
  objects.delete(learnt()[0]!)
  expect(await run(judge([A]))).toEqual({ ...known, judged: 0 })
})

test("recordings that have moved to another site are not learnt with the one where they lay, whatever is asked for", async () => {
  const { run } = world()
  const moved = "field_audio/valley/b.wav"
  await run(
    Effect.gen(function* () {
      yield* heard(A, 3000, 1)
      yield* heard(B, 3000, 2)
      yield* (yield* Scans).sighted([{ key: moved, etag: moved, size: 1, contentHash: "2".padEnd(64, "0") }])
    })
  )
  const one = await run(judge([A], model, "ridge"))
  expect(one.learnt).toEqual(["ridge"])
  expect((await run(judge([A, moved]))).learnt).toEqual(["valley"])
})

test("what people said to be an event is not learnt as a site's background; what they said of other sounds is", async () => {
  const { hop, window } = windowTimes(recipe)
  const table = (label: string) =>
    Array.from({ length: 600 }, (_, at) => `${10 * at * hop}\t${10 * at * hop + window / 2}\t${label}\n`).join("")
  const shotsWhere = async (label: string, name = "a") => {
    const { objects, run } = world()
    for (const key of [A, B]) objects.set(key, new Uint8Array(1))
    if (label !== "") objects.set(`annotations/ridge/${name}.txt`, new TextEncoder().encode(table(label)))
    const { learnt, shots } = await run(
      Effect.gen(function* () {
        yield* heard(A, 6000, 1)
        yield* (yield* Scans).sighted([{ key: B, etag: B, size: 1, contentHash: "1".padEnd(64, "0") }])
        // A drill is less of a shot once the site is learnt, whatever was left out.
        return yield* judge([A, B], model, undefined, { ...events, threshold: 0.01 })
      })
    )
    expect(learnt).toEqual(["ridge"])
    return shots
  }
  const shots = await shotsWhere("")
  expect(await shotsWhere("drill")).toBe(shots)
  expect(await shotsWhere("clips")).toBe(shots)
  const known = await shotsWhere("Gun shot")
  expect(known).toBeGreaterThan(2 * shots)
  // Of a copy as well.
  expect(await shotsWhere("Gun shot", "b")).toBe(known)
})

test("LEARN_SITES=0 tells events as the model hears them", async () => {
  const { run, learnt } = world({ LEARN_SITES: "0" })
  const all = await run(Effect.andThen(heard(A, 3000, 1), judge([A])))
  expect(learnt()).toEqual([])
  expect(all.shots).toBeGreaterThan(20)
})

test("what is gone and has fewer vectors is judged by these, without what is learnt of its site", async () => {
  const { run } = world()
  const [earlier] = earlierRecipes(recipe)
  const contentHash = "f".repeat(64)
  const windows = codeVectors(
    Float32Array.from({ length: 200 }, (_, at) => (at % 40 === 0 || at % 40 === 2 ? 0.9 : 0.05)),
    [2]
  )
  const before = {
    ...{ key: B, etag: B, size: 100, contentHash, beginning: contentHash, site: "ridge", windows: 100 },
    ...{ seconds: 50, sampleRate: 16_000, repairs: [], facts: {} }
  }
  const few: WindowModel = {
    ...model,
    inputs: 2,
    score: (own) => {
      if (vectorsIn(own) > 1) return model.score(own)
      const rows = new Float32Array(2 * own.count)
      decodeVectors(own, [2], 0, own.count, rows)
      const shots = Array.from({ length: own.count }, (_, at) => rows[2 * at]!)
      return Effect.succeed(Float32Array.from(shots.flatMap((shot) => [1 - shot, 0, shot])))
    }
  }
  await run(
    Effect.gen(function* () {
      yield* (yield* Scans).append(earlier!, [{ key: B, etag: B, first: 0, windows, recording: before }])
      yield* heard(A, 3000, 1)
    })
  )
  const alone = await run(judge([A], model))
  expect(await run(judge([A], few))).toMatchObject({ judged: 1, shots: alone.shots + 5 })
  // It is heard again where it lies there, so that nothing is judged of it before.
  expect((await run(judge([A, B], few))).shots).toBe(alone.shots)
})
