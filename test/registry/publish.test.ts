import { afterEach, beforeEach, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Option } from "effect"
import { requireLease, withLease } from "../../src/registry/lease.ts"
import { mendCopies } from "../../src/registry/mendCopies.ts"
import { readPointer } from "../../src/registry/pointer.ts"
import { promoteVersion, repairCopies, rollback, writeVersion } from "../../src/registry/publish.ts"
import { writeRunRecord } from "../../src/registry/runRecord.ts"
import { newestVersion, wholeVersions } from "../../src/registry/trainingSet.ts"
import { folderStore } from "../../src/store/folder.ts"
import { CURRENT_KEY, modelKey, runKey, versionKey } from "../../src/store/keys.ts"
import { Store, StoreError } from "../../src/store/store.ts"
import { mortal } from "../store/mortal.ts"
import { memoryStore } from "../support/memoryStore.ts"

const FILES = ["yamnet_classifier.keras", "class_names.json", "classifier.onnx"]

/** Every file of a version says which version it is of. */
const artifactsOf = (runId: string) =>
  new Map([
    ...FILES.map((file) => [file, new TextEncoder().encode(`${file} of ${runId}`)] as const),
    [
      "model_metadata.json",
      new TextEncoder().encode(JSON.stringify({ run_id: runId, comparison: { promotedRun: "a" } }))
    ] as const,
    ["training_set.json", new TextEncoder().encode(JSON.stringify({ [runId]: "etag" }))] as const
  ])

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-"))
})
afterEach(() => rm(folder, { recursive: true }))

const store = () => folderStore(folder)
const run = <A, E>(effect: Effect.Effect<A, E, Store>, on = store()) =>
  Effect.runPromise(Effect.provideService(effect, Store, on))
const attempt = <A, E>(effect: Effect.Effect<A, E, Store>, on: Store["Service"]) =>
  Effect.runPromiseExit(Effect.provideService(effect, Store, on))

const promote = (runId: string) => Effect.flatMap(readPointer(), (from) => promoteVersion(runId, from))
const promoted = Effect.map(readPointer(), (pointer) => Option.getOrUndefined(pointer)?.runId)
const read = (key: string) => Bun.file(join(folder, key)).text()
const copies = async () => [
  ...new Set(await Promise.all(FILES.map(async (f) => (await read(modelKey(f))).split(" ").at(-1))))
]

const writeThree = Effect.forEach(["a", "b", "c"], (runId) => writeVersion(runId, artifactsOf(runId)))

test("the copies are those of the promoted version; rollback goes back step by step, and no further", async () => {
  await run(writeThree)
  for (const runId of ["a", "b", "c"]) {
    await run(promote(runId))
    expect([await run(promoted), await copies()]).toEqual([runId, [runId]])
  }
  expect(await run(rollback())).toEqual({ runId: "b", from: "c" })
  expect([await run(promoted), await copies()]).toEqual(["b", ["b"]])
  expect(await run(rollback())).toEqual({ runId: "a", from: "b" })
  expect((await run(Effect.flip(rollback()))).message).toContain("a is the first model promoted")
  expect([await run(promoted), await copies()]).toEqual(["a", ["a"]])
})

test("promoting what is promoted makes its copies good, and leaves the history", async () => {
  await run(writeThree)
  await run(promote("a"))
  await run(promote("b"))
  await rm(join(folder, modelKey("classifier.onnx")))
  await run(promote("b"))
  expect(await copies()).toEqual(["b"])
  expect(await run(rollback())).toEqual({ runId: "a", from: "b" })
})

test("a promotion or rollback that dies at any write leaves one whole model, and the next step repairs the copies", async () => {
  await run(writeThree)
  await run(promote("a"))
  for (const [work, from, to] of [
    [promote("b"), "a", "b"],
    [rollback(), "b", "a"]
  ] as const) {
    await run(promote(from))
    for (let writes = 0; ; writes++) {
      const exit = await attempt<unknown, unknown>(work, mortal(store(), writes))
      const now = (await run(promoted))!
      expect([from, to]).toContain(now as "a" | "b")
      for (const file of FILES) expect(await read(versionKey(now, file))).toBe(`${file} of ${now}`)
      if (Exit.isSuccess(exit)) break
      await run(repairCopies)
      if (now === from) expect(await copies()).toEqual([from])
      await run(promote(now))
      expect(await copies()).toEqual([now])
      await run(promote(from))
    }
    expect([await run(promoted), await copies()]).toEqual([to, [to]])
  }
})

test("a run makes good the copies that a dead promotion left behind", async () => {
  await run(writeThree)
  await run(promote("a"))
  await attempt(promote("b"), mortal(store(), 1))
  expect([await run(promoted), await copies()]).toEqual(["b", ["a"]])
  await run(repairCopies)
  expect(await copies()).toEqual(["b"])
  // The metadata left behind, of b, also names a, which it was compared with.
  await attempt(rollback(), mortal(store(), 1))
  expect([await run(promoted), await copies()]).toEqual(["a", ["b"]])
  await run(repairCopies)
  expect(await copies()).toEqual(["a"])
})

test("who starts and trains nothing makes the copies good, unless a run is at work, which does so itself", async () => {
  await run(writeThree)
  await run(promote("a"))
  for (const writes of [1, 2, 3]) {
    await attempt(promote("b"), mortal(store(), writes))
    expect([await run(promoted), (await copies()).includes("a")]).toEqual(["b", true])
    await run(mendCopies().pipe(withLease("c")))
    expect(await copies()).toContain("a")
    await run(mendCopies())
    expect(await copies()).toEqual(["b"])
    await run(promote("a"))
  }
})

test("copies half made, and a rollback that dies over them, are made good by the next run", async () => {
  for (let first = 1; first <= FILES.length + 2; first++) {
    await rm(folder, { recursive: true })
    await run(writeThree)
    await run(promote("a"))
    await attempt(promote("b"), mortal(store(), first))
    for (let writes = 0; writes < 12 && (await run(promoted)) === "b"; writes++) {
      await attempt(rollback(), mortal(store(), writes))
    }
    expect(await run(promoted)).toBe("a")
    await run(repairCopies)
    expect(await copies()).toEqual(["a"])
  }
})

test("of promotions at once, one wins, the others say so, and the copies are the winner's", async () => {
  await run(writeThree)
  const from = await run(readPointer())
  const exits = await Promise.all(["a", "b", "c"].map((runId) => attempt(promoteVersion(runId, from), store())))
  expect(exits.filter(Exit.isSuccess).length).toBe(1)
  const winner = (await run(promoted))!
  expect(["a", "b", "c"].indexOf(winner)).toBe(exits.findIndex(Exit.isSuccess))
  expect(await copies()).toEqual([winner])
})

test("concurrent promotions that both win, one after the other, leave the copies of the last", async () => {
  await run(writeThree)
  await Promise.all(["a", "b", "c"].map((runId) => attempt(promote(runId), store())))
  expect(await copies()).toEqual([(await run(promoted))!])
})

test("a version that was not written to its end is never promoted, nor does it count as trained", async () => {
  await attempt(writeVersion("dead", artifactsOf("dead")), mortal(store(), FILES.length))
  expect(await run(wholeVersions)).toEqual([])
  const error = await run(Effect.flip(promoteVersion("dead", Option.none())))
  expect(error.message).toContain("no whole version dead")
  expect(await run(promoted)).toBeUndefined()
})

test("the newest training is the newest that came to a decision, or the promoted one", async () => {
  await run(writeThree)
  expect(await run(newestVersion)).toEqual(Option.none())
  const record = (runId: string, status: string) =>
    Effect.flatMap(Store, (store) => store.put(runKey(runId), new TextEncoder().encode(JSON.stringify({ status }))))
  await run(record("a", "finished"))
  await run(record("c", "running"))
  expect(await run(newestVersion)).toEqual(Option.some("a"))
  await run(promote("b"))
  expect(await run(newestVersion)).toEqual(Option.some("b"))
  await run(record("c", "finished"))
  expect(await run(newestVersion)).toEqual(Option.some("c"))
})

test("the newest training is the one that was written last, whatever the clocks that named the runs say", async () => {
  const finish = (runId: string) =>
    writeVersion(runId, artifactsOf(runId)).pipe(
      Effect.andThen(writeRunRecord(runId, { status: "finished" })),
      Effect.andThen(newestVersion),
      Effect.map(Option.getOrUndefined)
    )
  for (const runId of ["2026-b", "2025-a", "2027-c", "2026-a"]) expect(await run(finish(runId))).toBe(runId)
  expect(await run(wholeVersions)).toEqual(["2026-b", "2025-a", "2027-c", "2026-a"])
})

test("versions of older programs are in the order of their ids, but for that in which they were promoted", async () => {
  for (const runId of ["a", "b", "c", "d"]) {
    await run(writeVersion(runId, artifactsOf(runId)))
    const [seal] = (await readdir(join(folder, versionKey(runId, "")))).filter((name) => name.startsWith("seal-"))
    await rm(join(folder, versionKey(runId, seal!)))
  }
  expect(await run(wholeVersions)).toEqual(["a", "b", "c", "d"])
  // By a clock that was set back after c; a was promoted again by hand.
  for (const runId of ["a", "c", "b", "a"]) await run(promote(runId))
  expect(await run(wholeVersions)).toEqual(["a", "c", "b", "d"])
  await run(writeVersion("0", artifactsOf("0")))
  expect(await run(wholeVersions)).toEqual(["a", "c", "b", "d", "0"])
})

test("a full disk promotes nothing: pointer, copies and versions stay as they were, whichever write finds it full", async () => {
  await run(writeThree)
  await run(promote("a"))
  const full = (after: number): Store["Service"] => {
    const inner = store()
    let left = after
    const room = (key: string) =>
      Effect.suspend(() =>
        left-- > 0 ? Effect.void : Effect.fail(new StoreError({ reason: "full", key, message: "the disk is full." }))
      )
    return Store.of({
      ...inner,
      put: (key, bytes, condition) => Effect.andThen(room(key), inner.put(key, bytes, condition)),
      stage: (key, bytes) => Effect.andThen(room(key), inner.stage!(key, bytes))
    })
  }
  for (let after = 0; ; after++) {
    const exit = await attempt(promote("b"), full(after))
    expect([await run(promoted), await copies()]).toEqual(Exit.isSuccess(exit) ? ["b", ["b"]] : ["a", ["a"]])
    const files = await readdir(join(folder, "models"))
    expect(files.filter((name) => name.startsWith(".ecosight-"))).toEqual([])
    if (Exit.isSuccess(exit)) break
  }
  expect(Exit.isFailure(await attempt(writeVersion("d", artifactsOf("d")), full(3)))).toBe(true)
  // A folder that a removal empties goes as well.
  expect(existsSync(join(folder, versionKey("d", "")))).toBe(false)
})

test("a run whose lease was taken over promotes nothing", async () => {
  await run(writeThree)
  await run(promote("a"))
  const robbed = Effect.gen(function* () {
    yield* withLease("other")(
      Effect.flatMap(readPointer(), (from) => Effect.flip(promoteVersion("b", from, requireLease("b"))))
    )
  })
  await run(robbed)
  expect([await run(promoted), await copies()]).toEqual(["a", ["a"]])
})

test("of a history that somebody has made long, no more is read than a promotion keeps", async () => {
  const bogus = Array.from({ length: 20_000 }, (_, at) => ({ runId: `made-up-${at}`, promotedAt: "" }))
  const document = { runId: "first", promotedAt: "", history: bogus }
  const objects = new Map([[CURRENT_KEY, new TextEncoder().encode(JSON.stringify(document))]])
  const pointer = await Effect.runPromise(readPointer().pipe(Effect.provideService(Store, memoryStore(objects))))
  expect(Option.getOrThrow(pointer).history).toEqual(bogus.slice(0, 100))
})
