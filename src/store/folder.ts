import { realpath, rmdir, stat, unlink } from "node:fs/promises"
import { join, resolve } from "node:path"
import { Effect, Option, Stream } from "effect"
import { explain, ignoreAbsence, refuseSpecial } from "./folder-error.ts"
import { infoOf, listFolder } from "./folder-list.ts"
import { whileLocked } from "./folder-lock.ts"
import { pathOf } from "./folder-path.ts"
import { discard, moveIntoPlace, writeBeside } from "./folder-write.ts"
import { ANNOTATIONS_PREFIX, AUDIT_PREFIX, FIELD_PREFIX, RECORDINGS_PREFIX, UNLABELLED_PREFIX } from "./keys.ts"
import { type PutCondition, Store, StoreError } from "./store.ts"

/**
 * A folder as a store, made when first written to.
 *
 * An ETag is made of the size and the times of modification and change, so that listing reads no file. Symbolic links
 * are followed. A conditional `put` is atomic towards other conditional ones, from whatever process. What was put
 * survives a power cut, but for audit copies, which can be made again.
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
        const stats = await stat(path, { bigint: true })
        refuseSpecial(stats)
        return { bytes: await Bun.file(path).bytes(), etag: infoOf(key, stats).etag }
      },
      catch: explain(key, path, "read")
    })
  })

  const getRange = Effect.fn("Store.getRange")(function* (key: string, from: number, to: number) {
    const path = yield* pathOf(root, key)
    return yield* Effect.tryPromise({
      try: async () => {
        refuseSpecial(await stat(path))
        return Bun.file(path).slice(from, to).bytes()
      },
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
      try: async () => moveIntoPlace(await writeBeside(path, bytes, isDurable(key))),
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
    if (!OF_PEOPLE.some((prefix) => key.startsWith(prefix))) yield* Effect.promise(() => removeEmpty(root, key))
  })

  const stage = Effect.fn("Store.stage")(function* (key: string, bytes: Uint8Array) {
    const path = yield* pathOf(root, key)
    const written = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => writeBeside(path, bytes, isDurable(key)),
        catch: explain(key, path, "written")
      }),
      discard
    )
    return Effect.tryPromise({ try: () => moveIntoPlace(written), catch: explain(key, path, "written") }).pipe(
      Effect.map((stats) => infoOf(key, stats)),
      Effect.uninterruptible
    )
  })

  return Store.of({ location: root, folder: root, list, get, getRange, find, put, remove, stage })
}

/** Where people make folders, which stay as they made them. */
const OF_PEOPLE = [RECORDINGS_PREFIX, UNLABELLED_PREFIX, FIELD_PREFIX, ANNOTATIONS_PREFIX, AUDIT_PREFIX]

/** Removes the folders that a file's removal leaves empty, but for those at the top: a bucket has none either. */
const removeEmpty = async (root: string, key: string): Promise<void> => {
  const names = key.split("/").slice(0, -1)
  for (; names.length > 1; names.pop()) {
    // What holds something else, or may not be removed, stays, and with it what holds it.
    const isGone = await rmdir(join(root, ...names)).then(
      () => true,
      () => false
    )
    if (!isGone) return
  }
}

const isDurable = (key: string): boolean => !key.startsWith(AUDIT_PREFIX)
