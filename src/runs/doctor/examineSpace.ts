import { constants } from "node:fs"
import { access, stat, statfs } from "node:fs/promises"
import { dirname } from "node:path"
import { Effect } from "effect"
import { ok, wrong } from "./finding.ts"

/** Room in the folder `path`, or where it would be made, against the `bytes` that are needed, for `what`. */
export const examineSpace = Effect.fn("examineSpace")(function* (path: string, what: string, bytes: number) {
  const { free, writable } = yield* Effect.promise(async () => {
    const folder = await nearestFolder(path)
    const { bavail, bsize } = await statfs(folder)
    const writable = access(folder, constants.W_OK)
    return { free: bavail * bsize, writable: await writable.then(() => true).catch(() => false) }
  })
  if (!writable)
    return wrong(
      "space",
      `${path}, for ${what}, may not be written by this user: change its permissions, or name another folder.`
    )
  return free < bytes
    ? wrong(
        "space",
        `${gigabytes(free)} are free in ${path}, but ${what} needs ${gigabytes(bytes)}: make room, or name another folder.`
      )
    : ok("space", `${gigabytes(free)} are free in ${path}, for ${what}: up to ${gigabytes(bytes)}.`)
})

const gigabytes = (bytes: number): string =>
  bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`

/** The folder itself, or the nearest above that is there already. */
const nearestFolder = async (path: string): Promise<string> => {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() || dirname(path) === path ? path : nearestFolder(dirname(path))
}
