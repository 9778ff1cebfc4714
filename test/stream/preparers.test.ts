import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Fiber, Result } from "effect"
import { folderStore } from "../../src/store/folder.ts"
import { Preparers } from "../../src/stream/preparers.ts"
import { keysIn, sound } from "../support/runWorld.ts"
import { temporaryFolder } from "../support/stores.ts"
import { tiny } from "../support/tinyEmbedder.ts"

const KEY = "extracted_audio/dog_bark/1-2.wav"
const settings = { clipMaxSeconds: 30, augmentations: 1, audit: true }

/** What a worker gives back of a recording whose audit copies belong into this folder, and without one. */
const prepared = (folder: string) =>
  Effect.gen(function* () {
    const { prepare } = yield* Preparers
    const make = (place?: { readonly folder: string; readonly key: string }) =>
      prepare(sound("dog_bark", 1), "c0ffee", tiny.frontEnd, settings, place)
    return { written: yield* make({ folder, key: KEY }), returned: yield* make() }
  }).pipe(Effect.provide(Preparers.layer(1)))

test("a worker writes audit copies into a folder itself, the bytes that it would have returned", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const { written, returned } = yield* prepared(folder)
    const store = folderStore(folder)
    const keys = yield* Effect.promise(() => keysIn(store, ""))
    expect(keys).toHaveLength(2)
    expect(written.variants.map(({ wav }) => wav)).toEqual([null, null])
    for (const { draw, wav } of returned.variants) {
      const { bytes } = yield* store.get(`augmented_audio/dog_bark/1-2_${draw.variant}.wav`)
      expect(Buffer.compare(bytes, wav!)).toBe(0)
    }
    expect(written.variants.map(({ patches }) => patches)).toEqual(returned.variants.map(({ patches }) => patches))
  }).pipe(Effect.scoped, Effect.runPromise))

test("audit copies that a worker cannot write come back, and nothing of them stays", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    yield* Effect.promise(() => writeFile(join(folder, "augmented_audio"), "a file where the folder should be"))
    const { written, returned } = yield* prepared(folder)
    expect(written).toEqual(returned)
    expect(yield* Effect.promise(() => keysIn(folderStore(folder), ""))).toEqual(["augmented_audio"])
  }).pipe(Effect.scoped, Effect.runPromise))

const LETHAL = join(import.meta.dir, "../support/lethalFrontEnd.ts")
const prepareOf = ({ prepare }: Preparers["Service"], fate: "dies" | "hangs" | "lives") =>
  prepare(sound("dog_bark", 1), "c0ffee", { module: LETHAL, settings: fate }, settings)

test("a recording on which a worker crashes is refused, and the one behind it goes to another", () =>
  Effect.gen(function* () {
    const preparers = yield* Preparers
    yield* preparers.start
    const [crashed, behind] = yield* Effect.all(
      [Effect.flip(prepareOf(preparers, "dies")), prepareOf(preparers, "lives")],
      { concurrency: "unbounded" }
    )
    expect(crashed.reason).toBe("The decoder crashed on it.")
    expect(crashed.isLasting).toBe(false)
    expect(behind).toEqual(yield* prepareOf(preparers, "lives"))
  }).pipe(Effect.provide(Preparers.layer(1)), Effect.runPromise))

test("a recording that comes in parts has its worker to itself: one on which a worker crashes is none of its business", () =>
  Effect.gen(function* () {
    const preparers = yield* Preparers
    const bytes = sound("dog_bark", 1)
    const request = { size: bytes.length, maxWholeBytes: 1e9, index: undefined, settings }
    const [grown, crashed] = yield* Effect.all(
      [
        Effect.gen(function* () {
          const growing = yield* preparers.begin(request, tiny.frontEnd)
          // The other is asked for meanwhile.
          yield* Effect.sleep("100 millis")
          yield* growing.push(bytes.slice())
          return yield* growing.end
        }).pipe(Effect.scoped),
        Effect.flip(prepareOf(preparers, "dies"))
      ],
      { concurrency: "unbounded" }
    )
    expect(Result.isSuccess(grown.outcome)).toBe(true)
    expect(crashed.reason).toBe("The decoder crashed on it.")
  }).pipe(Effect.provide(Preparers.layer(1)), Effect.runPromise))

test("where nobody waits for a recording any more its worker is ended, and the one behind it goes to another", () =>
  Effect.gen(function* () {
    const preparers = yield* Preparers
    yield* preparers.start
    const hung = yield* Effect.forkChild(prepareOf(preparers, "hangs"), { startImmediately: true })
    const behind = yield* Effect.forkChild(prepareOf(preparers, "lives"), { startImmediately: true })
    // Until the worker has both.
    yield* Effect.sleep("100 millis")
    yield* Fiber.interrupt(hung)
    expect((yield* Fiber.join(behind)).variants).toHaveLength(2)
  }).pipe(Effect.provide(Preparers.layer(1)), Effect.runPromise))

test("workers that rest are ended, and others take the next recording", () =>
  Effect.gen(function* () {
    const { prepare, start, rest } = yield* Preparers
    const make = () => prepare(sound("dog_bark", 1), "c0ffee", tiny.frontEnd, settings)
    yield* start
    const before = yield* make()
    yield* rest
    expect(yield* make()).toEqual(before)
  }).pipe(Effect.provide(Preparers.layer(1)), Effect.runPromise))
