import { expect, test } from "bun:test"
import { Effect, Result, Stream } from "effect"
import { finishMoves, keep, onAll, relabel, restore, setAside } from "../../src/review/moves.ts"
import { folderStore } from "../../src/store/folder.ts"
import { keptKey, MOVES_BEGUN_PREFIX, MOVES_PREFIX, uploadKey } from "../../src/store/keys.ts"
import { Store, StoreError } from "../../src/store/store.ts"
import { folderOf } from "../support/program.ts"

const DOG = "extracted_audio/dog/yard/1.wav"
const FOX = "extracted_audio/fox/yard/1.wav"
const BYTES = new TextEncoder().encode("a bark")
const HASH = new Bun.CryptoHasher("sha256").update(BYTES).digest("hex")
const FILES = { [DOG]: BYTES, "extracted_audio/fox/2.wav": "a yelp" }

const open = async (files: Readonly<Record<string, string | Uint8Array>> = FILES) => {
  const folder = await folderOf(files)
  const store = folderStore(folder.root)
  const run = <A, E>(effect: Effect.Effect<A, E, Store>, on = store) =>
    Effect.runPromise(Effect.result(Effect.provideService(effect, Store, on)))
  const keysIn = (prefix: string) =>
    Effect.runPromise(
      store.list(prefix).pipe(
        Stream.map(({ key }) => key),
        Stream.runCollect
      )
    )
  const text = async (key: string) => new TextDecoder().decode((await Effect.runPromise(store.get(key))).bytes)
  return { store, run, keysIn, text, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}
const messageOf = (result: Result.Result<unknown, { readonly message: string }>) =>
  Result.isFailure(result) ? result.failure.message : "no failure"

test("a recording moves to the other class's folder, and a record says what moved, from where, and by what right", async () => {
  await using world = await open({ ...FILES, [uploadKey(HASH)]: JSON.stringify({ key: DOG, class: "dog" }) })
  const moved = Result.getOrThrow(await world.run(relabel(DOG, "fox", { allowNew: false })))
  expect(moved).toMatchObject({ action: "relabel", from: DOG, to: FOX, contentHash: HASH })
  expect(await world.keysIn("extracted_audio/")).toEqual(["extracted_audio/fox/2.wav", FOX])
  expect(await world.text(FOX)).toBe("a bark")
  const [record, ...others] = await world.keysIn(MOVES_PREFIX)
  expect(others).toEqual([])
  expect(JSON.parse(await world.text(record!))).toEqual({ ...moved, why: expect.stringContaining("one exception") })
  // The same bytes uploaded again are found where they are now.
  expect(JSON.parse(await world.text(uploadKey(HASH)))).toEqual({ key: FOX, class: "fox" })
})

test("what is set aside is out of the training set, whole, and comes back", async () => {
  await using world = await open()
  await world.run(setAside(DOG))
  expect(await world.keysIn("extracted_audio/")).toEqual(["extracted_audio/fox/2.wav"])
  expect(await world.text("set_aside/dog/yard/1.wav")).toBe("a bark")
  expect(messageOf(await world.run(setAside(DOG)))).toMatch(/holds no extracted_audio\/dog\/yard\/1.wav\.$/)
  await world.run(restore(DOG))
  expect(await world.text(DOG)).toBe("a bark")
  expect(await world.keysIn("set_aside/")).toEqual([])
  expect(await world.keysIn(MOVES_PREFIX)).toHaveLength(2)
})

test("of several recordings none is touched where one cannot be, and one that is named twice counts once", async () => {
  await using world = await open({ ...FILES, "set_aside/fox/2.wav": "a howl" })
  const all = ["extracted_audio/dog/yard/1.wav", "extracted_audio/fox/2.wav", "set_aside/fox/2.wav"]
  const untouched = async () => {
    expect(await world.keysIn("")).toEqual(all)
  }
  const missing = "extracted_audio/dog/none.wav"
  expect(messageOf(await world.run(onAll("set aside", [DOG, missing], setAside)))).toMatch(
    /holds no extracted_audio\/dog\/none.wav. Nothing was changed: name recordings that are there\.$/
  )
  await untouched()
  expect(messageOf(await world.run(onAll("keep", [DOG, missing], keep)))).toContain(
    "holds no extracted_audio/dog/none.wav"
  )
  await untouched()
  expect(messageOf(await world.run(onAll("set aside", [DOG, "dog"], setAside)))).toContain(
    "is not the key of a recording"
  )
  await untouched()
  const taken = await world.run(onAll("set aside", [DOG, "extracted_audio/fox/2.wav"], setAside))
  expect(messageOf(taken)).toContain("set_aside/fox/2.wav holds another recording already")
  await untouched()

  expect(Result.getOrThrow(await world.run(onAll("set aside", [DOG, DOG], setAside)))).toHaveLength(1)
  const restored = await world.run(onAll("restore", [DOG, "set_aside/dog/yard/gone.wav"], restore))
  expect(messageOf(restored)).toContain("holds no set_aside/dog/yard/gone.wav")
  for (const key of ["none", "", "set_aside/none", "extracted_audio/none", "field_audio/ridge/dog/1.wav"]) {
    const message = `"${key}" is not the key of a recording that is set aside: write set_aside/<class>/<name>, as bun run review aside lists them.`
    expect(messageOf(await world.run(onAll("restore", [DOG, key], restore)))).toBe(message)
    expect(messageOf(await world.run(restore(key)))).toBe(message)
  }
  expect(await world.keysIn("set_aside/dog/")).toEqual(["set_aside/dog/yard/1.wav"])
  expect(Result.getOrThrow(await world.run(onAll("restore", [DOG, "set_aside/dog/yard/1.wav"], restore)))).toHaveLength(
    1
  )
  expect(await world.text(DOG)).toBe("a bark")
})

test("an unlabelled recording moves to its first class, from whatever folder it lay in", async () => {
  await using world = await open({ ...FILES, "unlabelled_audio/night 3/a.wav": "a hoot" })
  const label = (className: string) =>
    world.run(relabel("unlabelled_audio/night 3/a.wav", className, { allowNew: false }))
  expect(messageOf(await label("owl"))).toBe(
    'There is no class "owl" yet. Check its name, or make it with --new-class.'
  )
  expect(Result.getOrThrow(await label("fox"))).toMatchObject({
    action: "label",
    to: "extracted_audio/fox/night 3/a.wav"
  })
  expect(await world.text("extracted_audio/fox/night 3/a.wav")).toBe("a hoot")
  expect(await world.keysIn("unlabelled_audio/")).toEqual([])
})

test("what cannot be moved is refused in one sentence, and stays", async () => {
  await using world = await open({ ...FILES, [FOX]: "another bark" })
  const refuse = async (key: string, className: string) =>
    messageOf(await world.run(relabel(key, className, { allowNew: false })))
  expect(await refuse(DOG, "fox")).toBe(
    `${FOX} holds another recording already: rename one of them first. ${DOG} stays where it is.`
  )
  expect(await refuse(DOG, "wolf")).toBe('There is no class "wolf" yet. Check its name, or make it with --new-class.')
  expect(await refuse(DOG, "dog")).toBe(`${DOG} is of class dog already.`)
  for (const name of ["", "a/b", ".hidden"]) expect(await refuse(DOG, name)).toContain("cannot be the name of a class")
  for (const name of ["Elephant <b>", "con", "nul", "com1", "fox.", "fox ", "unknown", "сова"]) {
    const moved = await world.run(relabel(DOG, name, { allowNew: true }))
    expect(messageOf(moved)).toContain("cannot be the name of a class")
  }
  for (const key of ["", "models/current.json", "extracted_audio/loose.wav"]) {
    expect(await refuse(key, "fox")).toContain("is not the key of a recording")
  }
  expect(await world.text(DOG)).toBe("a bark")
  expect(await world.text(FOX)).toBe("another bark")
  expect(await world.keysIn("review/")).toEqual([])
  expect(Result.isSuccess(await world.run(relabel(DOG, "wolf", { allowNew: true })))).toBe(true)
})

test("a copy that is there already is not written again, and keeping is remembered by class and content", async () => {
  await using world = await open({ ...FILES, [FOX]: BYTES })
  await world.run(relabel(DOG, "fox", { allowNew: false }))
  expect(await world.keysIn("extracted_audio/")).toEqual(["extracted_audio/fox/2.wav", FOX])
  expect(await world.run(keep(FOX))).toMatchObject({ success: { className: "fox", contentHash: HASH } })
  expect(await world.keysIn("review/kept/")).toEqual([keptKey("fox", HASH)])
})

test("whichever request a move dies at, the recording is whole, and the next review leaves it once", async () => {
  let outcomes = 0
  for (let last = 0; ; last++) {
    await using world = await open()
    let requests = 0
    const die = new StoreError({ reason: "unreachable", key: "", message: "gone" })
    const mortal = <A>(effect: Effect.Effect<A, StoreError>) =>
      Effect.suspend(() => (requests++ < last ? effect : Effect.fail(die)))
    const store = Store.of({
      ...world.store,
      get: (key) => mortal(world.store.get(key)),
      put: (...input) => mortal(world.store.put(...input)),
      remove: (key) => mortal(world.store.remove(key))
    })
    const moved = await world.run(relabel(DOG, "fox", { allowNew: false }), store)
    const before = (await world.keysIn("extracted_audio/")).filter((key) => key !== "extracted_audio/fox/2.wav")
    expect(before.length).toBeGreaterThan(0)
    for (const key of before) expect(await world.text(key)).toBe("a bark")
    expect(Result.isSuccess(await world.run(finishMoves))).toBe(true)
    const after = (await world.keysIn("extracted_audio/")).filter((key) => key !== "extracted_audio/fox/2.wav")
    expect(after).toHaveLength(1)
    expect(await world.text(after[0]!)).toBe("a bark")
    expect(await world.keysIn(MOVES_BEGUN_PREFIX)).toEqual([])
    if (after[0] === FOX) expect(await world.keysIn(MOVES_PREFIX)).toHaveLength(1)
    outcomes += after[0] === FOX ? 1 : 0
    if (Result.isSuccess(moved)) break
  }
  expect(outcomes).toBeGreaterThan(3)
})

test("a recording written over while it moved is not removed", async () => {
  await using world = await open()
  const store = Store.of({
    ...world.store,
    put: (key, ...rest) =>
      world.store
        .put(key, ...rest)
        .pipe(
          Effect.tap(() => (key === FOX ? world.store.put(DOG, new TextEncoder().encode("a new bark")) : Effect.void))
        )
  })
  await world.run(relabel(DOG, "fox", { allowNew: false }), store)
  expect(await world.text(DOG)).toBe("a new bark")
  expect(await world.text(FOX)).toBe("a bark")
})
