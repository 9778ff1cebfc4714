import { readdir, stat, unlink } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { OWN } from "./folder-list.ts"

/** Milliseconds after which a file that is being written counts as left behind: no write takes so long. */
const ABANDONED = 3_600_000

const TEMPORARY = new RegExp(`^\\${OWN}[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

/**
 * Removes what writers that died left behind in a store's folder: files half written, an hour old or older, for another
 * process may be writing. Returns how many. What cannot be looked at or removed stays.
 */
export const sweepFolder = Effect.fn("sweepFolder")((root: string) => Effect.promise(() => sweep(root)))

const sweep = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  let swept = 0
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) swept += await sweep(path)
    else if (entry.isFile() && TEMPORARY.test(entry.name) && (await isAbandoned(path))) {
      swept += await unlink(path).then(
        () => 1,
        () => 0
      )
    }
  }
  return swept
}

const isAbandoned = (path: string): Promise<boolean> =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > ABANDONED,
    () => false
  )
