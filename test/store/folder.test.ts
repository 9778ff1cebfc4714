import { expect, test } from "bun:test"
import { chmod, mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Effect, Fiber, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { folderStore } from "../../src/store/folder.ts"
import type { Store, StoreError } from "../../src/store/store.ts"

const run = <A>(effect: Effect.Effect<A, StoreError>) => Effect.runPromise(effect)
const failureOf = (effect: Effect.Effect<unknown, StoreError>) => run(Effect.orDie(Effect.flip(effect)))
const list = (store: Store["Service"], prefix = "") => run(Stream.runCollect(store.list(prefix)))
const keys = async (store: Store["Service"], prefix = "") => (await list(store, prefix)).map(({ key }) => key)

/** A folder with these files, removed after the test. */
const folderWith = async (files: Readonly<Record<string, string>> = {}) => {
  const root = await mkdtemp(join(tmpdir(), "ecosight-"))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
  return {
    root,
    store: folderStore(root),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true })
  }
}

test("a folder that does not exist yet is empty, and is made by the first write", async () => {
  await using outer = await folderWith()
  const store = folderStore(join(outer.root, "new/store"))
  expect(await list(store)).toEqual([])
  expect(await run(store.find("a"))).toEqual(Option.none())
  await run(store.put("a/b", new Uint8Array([1]), { ifNoneMatch: "*" }))
  expect(await keys(store)).toEqual(["a/b"])
})

test("nothing but what was put, and an empty lock, is left in the folder", async () => {
  await using folder = await folderWith()
  await run(folder.store.put("c/a.wav", new Uint8Array(1), { ifNoneMatch: "*" }))
  for (let i = 0; i < 5; i++) await run(folder.store.put("c/a.wav", new Uint8Array(i)))
  await writeFile(join(folder.root, "file"), "")
  expect((await failureOf(folder.store.put("file/below", new Uint8Array(1)))).reason).toBe("invalid")
  expect((await readdir(folder.root, { recursive: true })).toSorted()).toEqual([
    ".ecosight-lock",
    "c",
    "c/a.wav",
    "file"
  ])
})

test("a write that is interrupted has ended when the interruption has, whole", async () => {
  await using folder = await folderWith()
  const large = new Uint8Array(64_000_000)
  for (const condition of [undefined, { ifNoneMatch: "*" }] as const) {
    const key = `large ${condition ? "if" : "put"}`
    const interrupted = Effect.gen(function* () {
      const writing = yield* Effect.forkChild(folder.store.put(key, large, condition))
      const started = Effect.promise(() => readdir(folder.root)).pipe(
        Effect.filterOrFail((names) => names.some((name) => /^\.ecosight-[0-9a-f]{8}-/.test(name))),
        Effect.retry({ times: 1000 })
      )
      yield* Effect.andThen(started, Fiber.interrupt(writing))
    })
    await Effect.runPromise(interrupted)
    expect((await readdir(folder.root)).filter((name) => name !== ".ecosight-lock")).toEqual([key])
    expect((await run(folder.store.get(key))).bytes.length).toBe(large.length)
    await rm(join(folder.root, key))
  }
})

test("a file written by another program has a new ETag, also with its old size and date", async () => {
  await using folder = await folderWith({ "a.wav": "aaaa", "b.wav": "bbbb" })
  const date = new Date("2024-05-01T12:00:00Z")
  for (const name of ["a.wav", "b.wav"]) await utimes(join(folder.root, name), date, date)
  const before = await list(folder.store)
  // Swapped, as after a mistake in labelling.
  await Bun.sleep(20)
  await rename(join(folder.root, "a.wav"), join(folder.root, "c"))
  await rename(join(folder.root, "b.wav"), join(folder.root, "a.wav"))
  await rename(join(folder.root, "c"), join(folder.root, "b.wav"))
  const after = await list(folder.store)
  expect(after.map(({ key, size }) => ({ key, size }))).toEqual(before.map(({ key, size }) => ({ key, size })))
  expect(after[0]!.etag).not.toBe(before[0]!.etag)
  expect(after[1]!.etag).not.toBe(before[1]!.etag)
})

test("links are followed, to files and folders, but not round and round", async () => {
  await using elsewhere = await folderWith({ "shots/1.wav": "1", "shots/deep/2.wav": "2", "one.wav": "one" })
  await using folder = await folderWith({ "extracted_audio/dog/a.wav": "a" })
  const at = (name: string) => join(folder.root, "extracted_audio", name)
  await symlink(join(elsewhere.root, "shots"), at("gun_shot"))
  await symlink(join(elsewhere.root, "one.wav"), at("dog/one.wav"))
  await symlink(folder.root, at("dog/itself"))
  // Two links that lead to each other's folders.
  await mkdir(at("x"))
  await symlink(at("x"), join(elsewhere.root, "shots/deep/x"))
  await symlink(join(elsewhere.root, "shots/deep"), at("x/deep"))
  expect(await keys(folder.store, "extracted_audio/")).toEqual([
    "extracted_audio/dog/a.wav",
    "extracted_audio/dog/one.wav",
    "extracted_audio/gun_shot/1.wav",
    "extracted_audio/gun_shot/deep/2.wav",
    "extracted_audio/x/deep/2.wav"
  ])
  expect(new TextDecoder().decode((await run(folder.store.get("extracted_audio/gun_shot/1.wav"))).bytes)).toBe("1")
})

test("folders whose links lead to one another are named, not listed by every path there is", async () => {
  await using folder = await folderWith({ "a.wav": "a" })
  const names = Array.from({ length: 12 }, (_, at) => `site ${at}`)
  for (const name of names) await mkdir(join(folder.root, name))
  for (const name of names) {
    for (const other of names) {
      if (other !== name) await symlink(join(folder.root, other), join(folder.root, name, other))
    }
  }
  const error = await failureOf(Stream.runCollect(folder.store.list("")))
  expect(error.message).toContain("remove those that lead to one another")
})

test("what cannot be read is listed, and reading it says why", async () => {
  await using folder = await folderWith({ "dog/a.wav": "a" })
  await symlink(join(folder.root, "gone"), join(folder.root, "dog/dangling.wav"))
  await symlink(join(folder.root, "dog/loop.wav"), join(folder.root, "dog/loop.wav"))
  await writeFile(
    Buffer.concat([Buffer.from(`${folder.root}/dog/latin-`), Buffer.from([0xe9]), Buffer.from(".wav")]),
    "x"
  )
  expect(await keys(folder.store)).toEqual(["dog/a.wav", "dog/dangling.wav", "dog/latin-\ufffd.wav", "dog/loop.wav"])
  for (const name of ["dangling.wav", "latin-\ufffd.wav", "loop.wav"]) {
    const error = await failureOf(folder.store.get(`dog/${name}`))
    expect(error.reason).toBe("missing")
    expect(error.message).toContain(`${folder.root}/dog/${name}`)
  }
})

test("folders, and names too long for the file system, are not objects", async () => {
  await using folder = await folderWith({ "dog/a.wav": "a" })
  expect(await run(folder.store.find("dog"))).toEqual(Option.none())
  expect(await failureOf(folder.store.get("dog"))).toMatchObject({
    reason: "missing",
    message: `${folder.root}/dog cannot be read: it is a folder.`
  })
  const long = "犬".repeat(100)
  expect(await failureOf(folder.store.put(`dog/${long}`, new Uint8Array(1)))).toMatchObject({
    reason: "invalid",
    message: `${folder.root}/dog/${long} cannot be written: its name is too long for this file system.`
  })
  for (const key of ["/etc/passwd", "a//b", "a/", ".ecosight-lock", "a/.ecosight-x"]) {
    expect((await failureOf(folder.store.put(key, new Uint8Array(1)))).reason).toBe("invalid")
  }
})

test("pipes, sockets and devices are listed as what cannot be read, and reading them says why at once", async () => {
  await using folder = await folderWith({ "dog/a.wav": "a", "models/a": "a" })
  await Bun.$`mkfifo ${folder.root}/dog/pipe.wav ${folder.root}/models/pipe`
  using _socket = Bun.listen({ unix: join(folder.root, "dog/socket.wav"), socket: { data: () => undefined } })
  await symlink("/dev/zero", join(folder.root, "dog/zero.wav"))
  // What is the store's own is read by nobody who could say so.
  expect(await keys(folder.store)).toEqual(["dog/a.wav", "dog/pipe.wav", "dog/socket.wav", "dog/zero.wav", "models/a"])
  expect((await list(folder.store)).filter(({ etag }) => etag === "unreadable")).toHaveLength(3)
  for (const [name, kind] of [
    ["pipe", "a named pipe"],
    ["socket", "a socket"],
    ["zero", "a device"]
  ] as const) {
    const key = `dog/${name}.wav`
    const refused = { reason: "invalid", message: `${folder.root}/${key} cannot be read: it is ${kind}, and no file.` }
    expect(await failureOf(folder.store.get(key))).toMatchObject(refused)
    expect(await failureOf(folder.store.getRange(key, 0, 4))).toMatchObject(refused)
    expect(await run(folder.store.find(key))).toEqual(Option.none())
  }
})

test.skipIf(process.getuid?.() === 0)(
  "a folder that may not be read is denied (skipped for root, who may)",
  async () => {
    await using folder = await folderWith({ "dog/a.wav": "a" })
    await chmod(join(folder.root, "dog"), 0)
    expect((await failureOf(Stream.runDrain(folder.store.list("")))).reason).toBe("denied")
    await chmod(join(folder.root, "dog"), 0o755)
  }
)

test("why the lock cannot be taken is told as the system says it", async () => {
  await using folder = await folderWith({ ".ecosight-lock/a": "" })
  expect(await failureOf(folder.store.put("dog/a.wav", new Uint8Array(1), { ifMatch: "absent" }))).toMatchObject({
    message: `${folder.root}/.ecosight-lock cannot be written: it is a folder.`
  })
})

test.skipIf(process.getuid?.() === 0)(
  "that the lock's folder may not be written is told in words (skipped for root, who may)",
  async () => {
    await using folder = await folderWith({ ".ecosight-lock": "" })
    await chmod(folder.root, 0o555)
    expect(await failureOf(folder.store.put("a", new Uint8Array(1), { ifMatch: "absent" }))).toMatchObject({
      reason: "denied",
      message: `${folder.root}/.ecosight-lock cannot be written: this user may not do that.`
    })
    await chmod(folder.root, 0o755)
  }
)

test("a conditional write waits for one in another process, and the lock of a killed one is free", async () => {
  await using folder = await folderWith({ lease: "old" })
  const child = Bun.spawn(["bun", "-e", LOCK_HOLDER, join(folder.root, ".ecosight-lock")], { stdout: "pipe" })
  await child.stdout.getReader().read()
  const found = Option.getOrThrow(await run(folder.store.find("lease")))
  let written = false
  const writing = run(folder.store.put("lease", new Uint8Array(1), { ifMatch: found.etag })).then(() => {
    written = true
  })
  await Bun.sleep(100)
  expect(written).toBe(false)
  child.kill("SIGKILL")
  await writing
  expect(written).toBe(true)
})

test("a lock that is held for ever is told of as such, not as another writer's success", async () => {
  await using folder = await folderWith({ lease: "old" })
  const lock = join(folder.root, ".ecosight-lock")
  const child = Bun.spawn(["bun", "-e", LOCK_HOLDER, lock], { stdout: "pipe" })
  await child.stdout.getReader().read()
  const error = await run(
    Effect.gen(function* () {
      const writing = yield* Effect.forkChild(
        Effect.orDie(Effect.flip(folder.store.put("other", new Uint8Array(1), { ifNoneMatch: "*" })))
      )
      while (writing.pollUnsafe() === undefined) {
        yield* TestClock.adjust("20 millis")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      return yield* Fiber.join(writing)
    }).pipe(Effect.provide(TestClock.layer()))
  )
  child.kill()
  expect(error.reason).toBe("unreachable")
  expect(error.message).toBe(`${lock} cannot be locked: another process has held it for 10 s. End it, if it hangs.`)
})

test("a pipe in the place of a file is refused, not waited for", async () => {
  await using folder = await folderWith({})
  Bun.spawnSync(["mkfifo", join(folder.root, "lease")])
  expect((await failureOf(folder.store.get("lease"))).message).toBe(
    `${join(folder.root, "lease")} cannot be read: it is a named pipe, and no file.`
  )
})

const LOCK_HOLDER = `
  import { Database } from "bun:sqlite"
  const lock = new Database(process.argv[1])
  lock.run("BEGIN EXCLUSIVE")
  console.log("held")
  setInterval(() => lock, 1000)
`

test("what lies in a folder whose name is not UTF-8 is listed as what nobody can read", async () => {
  await using folder = await folderWith({ "dog/a.wav": "a", "dog/sub/b.wav": "b" })
  const within = (...names: ReadonlyArray<Buffer>) =>
    Buffer.concat([Buffer.from(`${folder.root}/`), ...names.flatMap((name) => [name, Buffer.from("/")])])
  const [odd, more] = [Buffer.from([0x62, 0xff]), Buffer.from([0xfe])]
  await mkdir(within(odd, more), { recursive: true })
  await writeFile(Buffer.concat([within(odd), Buffer.from("c.wav")]), "c")
  await writeFile(Buffer.concat([within(odd, more), Buffer.from("d.wav")]), "d")
  expect((await list(folder.store)).filter(({ etag }) => etag === "unreadable").map(({ key }) => key)).toEqual([
    "b\ufffd/c.wav",
    "b\ufffd/\ufffd/d.wav"
  ])
  expect(await keys(folder.store, "dog/")).toEqual(["dog/a.wav", "dog/sub/b.wav"])
})

test("a folder whose name holds the letter that stands for such bytes is read as any other", async () => {
  await using folder = await folderWith({ "b\ufffd/c.wav": "c" })
  expect((await list(folder.store)).map(({ key, size, etag }) => [key, size, etag === "unreadable"])).toEqual([
    ["b\ufffd/c.wav", 1, false]
  ])
})
