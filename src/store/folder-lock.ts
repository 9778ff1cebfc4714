import { Database } from "bun:sqlite"
import { mkdir, open, truncate } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Effect, Schedule } from "effect"
import { codeOf, explain } from "./folder-error.ts"
import { OWN } from "./folder-list.ts"
import { StoreError } from "./store.ts"

/** How often the lock is asked for, every 20 ms. */
const TURNS = 500

/**
 * Runs an effect while no other, in whatever process, runs one for the same folder.
 *
 * The lock is SQLite's on an empty file: the system gives it back when its holder dies, so no lock is ever stale.
 */
export const whileLocked =
  (root: string, key: string) =>
  <A, R>(effect: Effect.Effect<A, StoreError, R>): Effect.Effect<A, StoreError, R> => {
    const path = join(root, `${OWN}lock`)
    // Not a conflict: no other writer has come to its end.
    const message = `${path} cannot be locked: another process has held it for ${TURNS / 50} s. End it, if it hangs.`
    const busy = new StoreError({ reason: "unreachable", key, message })
    const acquire = Effect.tryPromise({
      try: () => lockFile(path).catch((thrown) => lockAnew(path, thrown)),
      catch: (thrown) => (codeOf(thrown) === "SQLITE_BUSY" ? busy : explain(key, path, "written")(thrown))
    }).pipe(Effect.retry({ while: (error) => error === busy, schedule: Schedule.spaced("20 millis"), times: TURNS }))
    return Effect.acquireUseRelease(
      acquire,
      () => effect,
      (lock) => Effect.sync(() => lock.close())
    )
  }

/** Makes the file's folder, if that is what SQLite lacked: where a file cannot be opened, the system says why; SQLite does not. */
const lockAnew = async (path: string, thrown: unknown): Promise<Database> => {
  if (codeOf(thrown) === "SQLITE_BUSY") throw thrown
  await mkdir(dirname(path), { recursive: true })
  await (await open(path, "a")).close()
  return lockFile(path)
}

const lockFile = async (path: string): Promise<Database> => {
  const lock = new Database(path)
  try {
    lock.run("BEGIN EXCLUSIVE")
    return lock
  } catch (thrown) {
    lock.close()
    // A crash may leave anything in a file. It holds nothing; emptied, it stays the file that others lock.
    if (!/^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(thrown))) throw thrown
    await truncate(path)
    return lockFile(path)
  }
}
