import { Database } from "bun:sqlite"
import { randomUUID } from "node:crypto"
import { mkdir, open, realpath, rename, rm, stat, unlink, utimes } from "node:fs/promises"
import { dirname, join, resolve, sep } from "node:path"
import { Effect, Option, Schedule, Stream } from "effect"
import { codeOf, explain, ignoreAbsence } from "./folder-error.ts"
import { infoOf, listFolder, OWN } from "./folder-list.ts"
import { type PutCondition, refuseKey, Store, StoreError } from "./store.ts"

/**
 * A folder as a store, made when first written to.
 *
 * An ETag is made of the size and the times of modification and change, so that listing reads no file. Symbolic links
 * are followed. A conditional `put` is atomic towards other conditional ones, from whatever process.
 */
export const folderStore = (folder: string): Store["Service"] => {
  const root = resolve(folder)

  const list = (prefix: string, after?: string) => {
    const all = listAll(prefix)
    if (after === undefined) return all
    const bound = Buffer.from(after)
    return all.pipe(Stream.filter(({ key }) => Buffer.compare(Buffer.from(key), bound) > 0))
  }

  const listAll = (prefix: string) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const start = prefix.slice(0, prefix.lastIndexOf("/") + 1)
        const path = start === "" ? root : yield* pathOf(root, start.slice(0, -1))
        const entered = yield* Effect.tryPromise({
          try: () => realpath(path).catch(ignoreAbsence),
          catch: explain(prefix, path, "listed")
        })
        if (entered === undefined) return Stream.empty
        return Stream.fromAsyncIterable(listFolder(start, prefix, [entered]), explain(prefix, path, "listed"))
      })
    ).pipe(Stream.flattenIterable)

  const get = Effect.fn("Store.get")(function* (key: string) {
    const path = yield* pathOf(root, key)
    return yield* Effect.tryPromise({
      try: async () => {
        // Before reading: if the file changes meanwhile, this version is not the one that listing will show.
        const { etag } = infoOf(key, await stat(path, { bigint: true }))
        return { bytes: await Bun.file(path).bytes(), etag }
      },
      catch: explain(key, path, "read")
    })
  })

  const getRange = Effect.fn("Store.getRange")(function* (key: string, from: number, to: number) {
    const path = yield* pathOf(root, key)
    return yield* Effect.tryPromise({
      try: () => Bun.file(path).slice(from, to).bytes(),
      catch: explain(key, path, "read")
    })
  })

  const find = Effect.fn("Store.find")(function* (key: string) {
    const path = yield* pathOf(root, key)
    const stats = yield* Effect.tryPromise({
      try: () => stat(path, { bigint: true }).catch(ignoreAbsence),
      catch: explain(key, path, "read")
    })
    return stats?.isFile() ? Option.some(infoOf(key, stats)) : Option.none()
  })

  const put = Effect.fn("Store.put")(function* (key: string, bytes: Uint8Array, condition?: PutCondition) {
    const path = yield* pathOf(root, key)
    // Whoever is interrupted waits for the write's end: one that went on would come after the lock is given back, or
    // after a run has said that it stopped.
    const write = Effect.tryPromise({
      try: () => replaceFile(path, bytes, condition !== undefined),
      catch: explain(key, path, "written")
    }).pipe(
      Effect.map((stats) => infoOf(key, stats)),
      Effect.uninterruptible
    )
    if (condition === undefined) return yield* write
    return yield* find(key).pipe(
      Effect.map(Option.getOrUndefined),
      Effect.filterOrFail(
        (found) => ("ifMatch" in condition ? found?.etag === condition.ifMatch : found === undefined),
        () => new StoreError({ reason: "conflict", key, message: `Another writer has changed ${path}.` })
      ),
      Effect.andThen(write),
      whileLocked(root, key)
    )
  })

  const remove = Effect.fn("Store.remove")(function* (key: string) {
    const path = yield* pathOf(root, key)
    yield* Effect.tryPromise({
      try: () => unlink(path).catch(ignoreAbsence),
      catch: explain(key, path, "removed")
    })
  })

  return Store.of({ location: root, list, get, getRange, find, put, remove })
}

const pathOf = Effect.fn("pathOf")(function* (root: string, key: string) {
  yield* refuseKey(key)
  const names = key.split("/")
  if (names.includes("") || names.at(-1)!.startsWith(OWN) || (sep === "\\" && key.includes("\\"))) {
    return yield* new StoreError({ reason: "invalid", key, message: `"${key}" cannot be the key of a file.` })
  }
  return join(root, ...names)
})

/** Puts a file in place in one step. `durable` also survives a power cut. */
const replaceFile = async (path: string, bytes: Uint8Array, durable: boolean) => {
  const temporary = join(dirname(path), `${OWN}${randomUUID()}`)
  await mkdir(dirname(path), { recursive: true })
  try {
    const file = await open(temporary, "wx")
    await file
      .writeFile(bytes)
      .then(() => (durable ? file.sync() : undefined))
      .finally(() => file.close())
    const [before, written] = await Promise.all([
      stat(path, { bigint: true }).catch(ignoreAbsence),
      stat(temporary, { bigint: true })
    ])
    // The clock of file systems ticks every 4 ms or so; two versions within one tick need two ETags.
    if (before && written.mtimeNs <= before.mtimeNs) {
      const later = Number(before.mtimeNs / 1_000_000n + 2n) / 1000
      await utimes(temporary, later, later)
    }
    await rename(temporary, path)
    return await stat(path, { bigint: true })
  } catch (thrown) {
    await rm(temporary, { force: true })
    throw thrown
  }
}

/**
 * Runs an effect while no other, in whatever process, runs one for the same folder.
 *
 * The lock is SQLite's on an empty file: the system gives it back when its holder dies, so no lock is ever stale.
 */
const whileLocked =
  (root: string, key: string) =>
  <A, R>(effect: Effect.Effect<A, StoreError, R>): Effect.Effect<A, StoreError, R> => {
    const path = join(root, `${OWN}lock`)
    const acquire = Effect.tryPromise({
      try: async () => {
        await mkdir(root, { recursive: true })
        const lock = new Database(path)
        try {
          lock.run("BEGIN EXCLUSIVE")
          return lock
        } catch (thrown) {
          lock.close()
          throw thrown
        }
      },
      catch: (thrown) =>
        codeOf(thrown) === "SQLITE_BUSY"
          ? new StoreError({ reason: "conflict", key, message: `Another process holds ${path}.` })
          : explain(key, path, "written")(thrown)
    }).pipe(
      Effect.retry({ while: ({ reason }) => reason === "conflict", schedule: Schedule.spaced("20 millis"), times: 500 })
    )
    return Effect.acquireUseRelease(
      acquire,
      () => effect,
      (lock) => Effect.sync(() => lock.close())
    )
  }
