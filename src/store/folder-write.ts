import { randomUUID } from "node:crypto"
import { mkdir, open, rename, rm, stat, utimes } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { codeOf, ignoreAbsence } from "./folder-error.ts"
import { OWN } from "./folder-list.ts"

/** A file that is written, but not in its place yet. */
interface Written {
  readonly temporary: string
  readonly path: string
  readonly durable: boolean
}

/** Writes a file beside its place; `durable` brings it to the disk, and the folders that are new. */
export const writeBeside = async (path: string, bytes: Uint8Array, durable: boolean): Promise<Written> => {
  const folder = dirname(path)
  const temporary = join(folder, `${OWN}${randomUUID()}`)
  const { file, made } = await openIn(folder, temporary)
  try {
    await file
      .writeFile(bytes)
      .then(() => (durable ? file.sync() : undefined))
      .finally(() => file.close())
    if (durable && made !== undefined) await syncBetween(folder, dirname(made))
    return { temporary, path, durable }
  } catch (thrown) {
    await rm(temporary, { force: true })
    throw thrown
  }
}

/** Opens a new file in a folder, which is made where it is not there; `made` is the first folder that was. */
const openIn = async (folder: string, path: string, tries = 5) => {
  const made = await mkdir(folder, { recursive: true })
  try {
    return { file: await open(path, "wx"), made }
  } catch (thrown) {
    // Another process may have removed the folder just now, which it found empty.
    if (codeOf(thrown) !== "ENOENT" || tries <= 1) throw thrown
    return openIn(folder, path, tries - 1)
  }
}

/** Puts a written file into its place in one step, and returns what listing will see of it. */
export const moveIntoPlace = async ({ temporary, path, durable }: Written) => {
  try {
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
    if (durable) await syncFolder(dirname(path))
    return await stat(path, { bigint: true })
  } catch (thrown) {
    await rm(temporary, { force: true })
    throw thrown
  }
}

/** Removes a written file that never came to its place. */
export const discard = ({ temporary }: Written) =>
  Effect.promise(() => rm(temporary, { force: true }).catch(() => undefined))

/** Brings a folder's entries to the disk: a file that is synced may still be lost with its name. */
const syncFolder = async (folder: string): Promise<void> => {
  // Windows opens no folders, and needs none to be synced.
  if (process.platform === "win32") return
  const opened = await open(folder, "r")
  await opened.sync().finally(() => opened.close())
}

const syncBetween = async (folder: string, top: string): Promise<void> => {
  for (let at = folder; at.length > top.length; at = dirname(at)) await syncFolder(at)
  await syncFolder(top)
}
