import { randomUUID } from "node:crypto"
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { explain } from "./folder-error.ts"
import { OWN } from "./folder-list.ts"
import { pathOf } from "./folder-path.ts"

/**
 * Writes an audit copy into a folder store, whole, as its `put` does, but holds its thread meanwhile: for Workers, in which
 * that is quicker, and which nobody waits for.
 */
export const writeCopy = Effect.fn("writeCopy")(function* (folder: string, key: string, bytes: Uint8Array) {
  const path = yield* pathOf(folder, key)
  return yield* Effect.try({ try: () => writeWhole(path, bytes), catch: explain(key, path, "written") })
})

const writeWhole = (path: string, bytes: Uint8Array): void => {
  const temporary = join(dirname(path), `${OWN}${randomUUID()}`)
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(temporary, bytes, { flag: "wx" })
    renameSync(temporary, path)
  } catch (thrown) {
    rmSync(temporary, { force: true })
    throw thrown
  }
}
