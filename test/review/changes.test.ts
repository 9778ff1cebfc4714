import { expect, test } from "bun:test"
import { Effect, Stream } from "effect"
import { type Change, carryOut, planRelabel, planRemoval, readChange } from "../../src/review/changes.ts"
import { finishMoves } from "../../src/review/moves.ts"
import { folderStore } from "../../src/store/folder.ts"
import { changeKey, isRecordingPlace, moveBegunKey, uploadKey } from "../../src/store/keys.ts"
import { Store, StoreError } from "../../src/store/store.ts"
import { folderOf } from "../support/program.ts"

const DOG = "extracted_audio/dog/1.wav"
const FOX = "extracted_audio/fox/1.wav"
const FILES = { [DOG]: "a bark", "extracted_audio/dog/yard/2.wav": "a howl", [FOX]: "a yelp" }
const HASH = new Bun.CryptoHasher("sha256").update("a bark").digest("hex")

const open = async (files: Readonly<Record<string, string>> = FILES) => {
  const folder = await folderOf(files)
  const store = folderStore(folder.root)
  const run = <A, E>(effect: Effect.Effect<A, E, Store>, on = store) =>
    Effect.runPromise(Effect.provideService(effect, Store, on))
  const text = async (key: string) => new TextDecoder().decode((await Effect.runPromise(store.get(key))).bytes)
  const contents = async (prefix: string) => {
    const keys = await Effect.runPromise(
      store.list(prefix).pipe(
        Stream.map(({ key }) => key),
        Stream.runCollect
      )
    )
    return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await text(key)] as const)))
  }
  return { store, run, text, contents, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}
const taken = (key: string) => key in FILES
const silently = () => Effect.void
const back = (change: Change): Change => ({ ...change, state: "undoing" })

test("two classes become one, names that both have included, and come apart again", async () => {
  await using world = await open()
  const planned = await world.run(planRelabel([DOG, "extracted_audio/dog/yard/2.wav", FOX], "fox", taken))
  expect(planned.moves.map(({ to }) => to)).toEqual(["extracted_audio/fox/dog/1.wav", "extracted_audio/fox/yard/2.wav"])
  const done = await world.run(carryOut(planned, silently))
  expect(done).toMatchObject({ state: "done", failed: [] })
  expect(await world.contents("extracted_audio/")).toEqual({
    [FOX]: "a yelp",
    "extracted_audio/fox/dog/1.wav": "a bark",
    "extracted_audio/fox/yard/2.wav": "a howl"
  })
  expect(await world.run(carryOut(back(done), silently))).toMatchObject({ state: "undone", failed: [] })
  expect(await world.contents("extracted_audio/")).toEqual(FILES)
})

test("what is removed lies in the trash, whole; sent again it is new, and put back it is known once more", async () => {
  await using world = await open({ ...FILES, [uploadKey(HASH)]: JSON.stringify({ key: DOG, class: "dog" }) })
  const done = await world.run(Effect.flatMap(planRemoval([DOG]), (change) => carryOut(change, silently)))
  expect(await world.contents("trash/")).toEqual({ [`trash/${done.id}/dog/1.wav`]: "a bark" })
  expect(Object.keys(await world.contents("extracted_audio/"))).not.toContain(DOG)
  expect(await world.contents("uploads/")).toEqual({})
  await world.run(carryOut(back(done), silently))
  expect(await world.contents("extracted_audio/")).toEqual(FILES)
  expect(await world.contents("trash/")).toEqual({})
  expect(JSON.parse(await world.text(uploadKey(HASH)))).toEqual({ key: DOG, class: "dog" })
})

test("a place that another recording takes meanwhile is not written over, and undoing leaves that one alone", async () => {
  await using world = await open()
  const planned = await world.run(planRelabel([DOG], "wolf", taken))
  await Effect.runPromise(world.store.put("extracted_audio/wolf/1.wav", new TextEncoder().encode("another")))
  const done = await world.run(carryOut(planned, silently))
  expect(done.failed).toEqual([{ key: DOG, reason: expect.stringContaining("holds another recording already") }])
  await world.run(carryOut(back(done), silently))
  expect(await world.contents("extracted_audio/")).toEqual({ ...FILES, "extracted_audio/wolf/1.wav": "another" })
})

test("wherever the store goes away, doing it again ends the change, and no recording is lost on the way", async () => {
  for (let last = 0; ; last += 3) {
    await using world = await open()
    const planned = await world.run(planRelabel([DOG, "extracted_audio/dog/yard/2.wav"], "fox", taken))
    let requests = 0
    const gone = new StoreError({ reason: "unreachable", key: "", message: "gone" })
    const mortal = <A>(effect: Effect.Effect<A, StoreError>) =>
      Effect.suspend(() => (requests++ < last ? effect : Effect.fail(gone)))
    const store = Store.of({
      ...world.store,
      get: (key) => mortal(world.store.get(key)),
      put: (...input) => mortal(world.store.put(...input)),
      remove: (key) => mortal(world.store.remove(key))
    })
    const ended = await world.run(Effect.isSuccess(carryOut(planned, silently)), store)
    const sounds = new Set(Object.values(await world.contents("extracted_audio/")))
    expect([...sounds].sort()).toEqual(["a bark", "a howl", "a yelp"])
    expect(await world.run(carryOut(planned, silently))).toMatchObject({ state: "done", failed: [] })
    expect(Object.keys(await world.contents("extracted_audio/"))).toHaveLength(3)
    if (ended) break
  }
})

test("a change or move that would touch anything but recordings is not gone on with", async () => {
  const id = "20260101T000000000Z-00000000"
  const moves = [{ from: "models/current.json", to: FOX }]
  const change = { id, at: "", action: "remove", class: null, moves, state: "begun", failed: [] }
  const begun = { action: "remove", from: "../../x", to: DOG, contentHash: HASH, at: "", why: "" }
  await using world = await open({
    ...FILES,
    [changeKey(id)]: JSON.stringify(change),
    [moveBegunKey("x")]: JSON.stringify(begun)
  })
  expect(await world.run(Effect.flip(readChange(id)))).toMatchObject({ _tag: "DocumentError" })
  await world.run(finishMoves)
  expect(await world.contents("extracted_audio/")).toEqual(FILES)
  expect(await world.contents("review/moves/")).toEqual({})
})

test.each(["extracted_audio/a/b.wav", "unlabelled_audio/b.wav", "set_aside/a/b.wav", "trash/c/a/b.wav"])(
  "%s is a recording's place",
  (key) => expect(isRecordingPlace(key)).toBe(true)
)
test.each([
  "models/current.json",
  "extracted_audio/../runs/a",
  "set_aside/../a",
  "trash/../../x",
  "trash/a",
  "a\n/b",
  ""
])("%j is none", (key) => expect(isRecordingPlace(key)).toBe(false))
