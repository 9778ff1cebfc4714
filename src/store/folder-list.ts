import { lstat, readdir, realpath, stat } from "node:fs/promises"
import { join } from "node:path"
import { ignoreAbsence } from "./folder-error.ts"
import { isOfProgram } from "./keys.ts"
import type { ObjectInfo } from "./store.ts"

/** What begins so is the store's own: files being written, and its lock. It is never listed. */
export const OWN = ".ecosight-"

/** Stands for the ETag of what cannot be looked at. */
const UNREADABLE = "unreadable"

/** Files looked at together. */
const CHUNK = 256

/** So many links to folders are followed in one listing that lie below such links themselves. */
const MOST_NESTED = 1_000

/** Folders whose links lead to one another are there by as many paths as they have orders. */
const TANGLED = `more than ${MOST_NESTED.toLocaleString("en")} links to folders lie in folders that are links; remove those that lead to one another`

interface Stats {
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

// The time of change tells two files of one size and date apart that were swapped, as archives tend to unpack them.
const etagOf = ({ size, mtimeNs, ctimeNs }: Stats): string =>
  [size, mtimeNs, ctimeNs].map((part) => part.toString(36)).join("-")

/** What listing says of a file. */
export const infoOf = (key: string, stats: Stats): ObjectInfo => ({
  key,
  etag: etagOf(stats),
  size: Number(stats.size)
})

/**
 * Yields the objects whose keys begin with `prefix`, in the order of the keys' UTF-8 bytes, a folder at a time.
 *
 * `folder` is the key of the folder to begin with: empty, or ending in a slash. `trail` holds the folders entered on the
 * way, without links; the last one is `folder` itself.
 */
export async function* listFolder(
  folder: string,
  prefix: string,
  trail: ReadonlyArray<string>,
  nested = { links: 0 },
  isBelowLink = false
): AsyncGenerator<ReadonlyArray<ObjectInfo>> {
  const here = trail.at(-1)!
  let files: Array<Entry> = []
  for (const entry of await readEntries(here)) {
    const key = folder + entry.order
    if (!entry.isFolder) {
      if (key.startsWith(prefix) && (!entry.isSpecial || !isOfProgram(key))) files.push(entry)
      if (files.length < CHUNK) continue
    }
    if (files.length > 0) yield await Promise.all(files.map((file) => lookAt(here, folder, file)))
    files = []
    if (!entry.isFolder || !(key.startsWith(prefix) || prefix.startsWith(key))) continue
    // A link to a folder that holds it would never end.
    if (trail.some((entered) => `${entered}/`.startsWith(`${entry.path}/`))) continue
    if (entry.isLink && isBelowLink && ++nested.links > MOST_NESTED) throw new Error(TANGLED)
    // A name may hold that letter itself: then its path leads there.
    if (entry.order.includes(MANGLED) && (await lstat(entry.path).catch(ignoreAbsence)) === undefined) {
      yield await listMisnamed(here, entry.order, key)
      continue
    }
    yield* listFolder(key, prefix, [...trail, entry.path], nested, entry.isLink || isBelowLink)
  }
  if (files.length > 0) yield await Promise.all(files.map((file) => lookAt(here, folder, file)))
}

/** What stands in a string for bytes that are not UTF-8; the string leads nowhere. */
const MANGLED = "\uFFFD"

/** All files in folders of such a name, which only its bytes lead to: listed, so that reading them says why that cannot be. */
const listMisnamed = async (here: string, order: string, key: string): Promise<ReadonlyArray<ObjectInfo>> => {
  const names = await readdir(here, { encoding: "buffer" })
  const own = names.filter((name) => `${name}/` === order)
  const files = await Promise.all(own.map((name) => filesBelow(Buffer.concat([Buffer.from(`${here}/`), name]))))
  return [...new Set(files.flat())].sort().map((file) => ({ key: key + file, etag: UNREADABLE, size: 0 }))
}

const filesBelow = async (folder: Buffer): Promise<ReadonlyArray<string>> => {
  const names = await readdir(folder, { encoding: "buffer" })
  const files = await Promise.all(
    names.map(async (name) => {
      const path = Buffer.concat([folder, Buffer.from("/"), name])
      const found = await lstat(path)
      if (found.isFile()) return [`${name}`]
      return found.isDirectory() ? (await filesBelow(path)).map((file) => `${name}/${file}`) : []
    })
  )
  return files.flat()
}

interface Entry {
  /** The name, with a slash after a folder's, by which S3 would order what is in it. */
  readonly order: string
  readonly isFolder: boolean
  readonly isLink: boolean
  /** Whether it is a pipe, a socket or a device: listed as what cannot be read, and never opened. */
  readonly isSpecial?: boolean
  /** Without links where it is a folder. */
  readonly path: string
}

const readEntries = async (folder: string): Promise<ReadonlyArray<Entry>> => {
  const found = await readdir(folder, { withFileTypes: true }).catch(ignoreAbsence)
  const entries = await Promise.all(
    (found ?? []).map(async (entry): Promise<Entry | undefined> => {
      const path = join(folder, entry.name)
      if (entry.name.startsWith(OWN)) return undefined
      if (entry.isFile()) return { order: entry.name, isFolder: false, isLink: false, path }
      if (entry.isDirectory()) return { order: `${entry.name}/`, isFolder: true, isLink: false, path }
      const special = { order: entry.name, isFolder: false, isLink: entry.isSymbolicLink(), isSpecial: true, path }
      if (!entry.isSymbolicLink()) return special
      const target = await stat(path).catch(ignoreAbsence)
      // A dangling link is listed, so that what reads it says so.
      if (target === undefined || target.isFile()) return { order: entry.name, isFolder: false, isLink: true, path }
      return target.isDirectory()
        ? { order: `${entry.name}/`, isFolder: true, isLink: true, path: await realpath(path) }
        : special
    })
  )
  return entries
    .filter((entry) => entry !== undefined)
    .map((entry) => ({ entry, bytes: Buffer.from(entry.order) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ entry }) => entry)
}

// What cannot be looked at, its name not being UTF-8 for instance, is listed all the same: reading it will say why.
const lookAt = async (here: string, folder: string, { order }: Entry): Promise<ObjectInfo> => {
  const stats = await stat(join(here, order), { bigint: true }).catch(() => undefined)
  return stats?.isFile() ? infoOf(folder + order, stats) : { key: folder + order, etag: UNREADABLE, size: 0 }
}
