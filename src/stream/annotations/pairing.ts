import { ANNOTATIONS_PREFIX, FIELD_PREFIX } from "../../store/keys.ts"

/** What programs put between a recording's name and their tables' ending. */
const ADDED = /(\.table\.\d+)?\.selections?(\.table)?$|\.birdnet(\.\w+)*$|\.(results|audacity|raven)$|[._ -]labels?$/i

/** Which recordings a table, or a row of one, is of: none, one, or several that cannot be told apart. */
export interface Pairing {
  /** By the table's name: the recording's, as far as its ending, or with it. */
  readonly ofTable: (table: string) => ReadonlyArray<string>
  /** By the name that a row gives, whatever folders of another machine come before it. */
  readonly ofRow: (table: string, file: string) => ReadonlyArray<string>
  /** By a table's name alone, of one that lies in no folder that tells more. */
  readonly ofName: (table: string) => ReadonlyArray<string>
}

/** Pairs tables with these field recordings, given by their keys. */
export const pairingOf = (recordings: Iterable<string>): Pairing => {
  const byPath = new Map<string, Array<string>>()
  const byName = new Map<string, Array<string>>()
  const add = (map: Map<string, Array<string>>, name: string, key: string) => {
    const keys = map.get(name)
    if (keys === undefined) map.set(name, [key])
    else keys.push(key)
  }
  for (const key of recordings) {
    const path = key.slice(FIELD_PREFIX.length)
    const name = lastOf(path).toLowerCase()
    for (const one of new Set([path, withoutEnding(path)])) add(byPath, one, key)
    for (const one of new Set([name, withoutEnding(name)])) add(byName, one, key)
  }
  return {
    ofTable: (table) => {
      const path = withoutEnding(pathOf(table))
      return byPath.get(path) ?? byPath.get(path.replace(ADDED, "")) ?? []
    },
    ofRow: (table, file) => {
      const path = file.replaceAll("\\", "/")
      const name = lastOf(path).toLowerCase()
      const called = byName.get(name) ?? byName.get(withoutEnding(name)) ?? []
      if (called.length < 2) return called
      return likeliest(likeliest(called, path), pathOf(table))
    },
    ofName: (table) => {
      const name = withoutEnding(lastOf(table).toLowerCase())
      return byName.get(name) ?? byName.get(name.replace(ADDED, "")) ?? []
    }
  }
}

/** Why a table, or a row of it, is of none of several recordings. */
export const ofSeveral = (recordings: ReadonlyArray<string>): string =>
  `It may be of any of these: ${recordings.join(", ")}. Name its folder or its ending, too.`

/** Those that share the most folders with a path, from its end. */
const likeliest = (keys: ReadonlyArray<string>, path: string): ReadonlyArray<string> => {
  const folders = (of: string) => of.split("/").slice(0, -1).reverse()
  const given = folders(path)
  const shared = (key: string) => {
    const own = folders(key.slice(FIELD_PREFIX.length))
    const differing = own.findIndex((folder, at) => folder !== given[at])
    return differing < 0 ? own.length + (own.length === given.length ? 0.5 : 0) : differing
  }
  const most = Math.max(...keys.map(shared))
  return keys.filter((key) => shared(key) === most)
}

const pathOf = (table: string): string =>
  table.slice((table.startsWith(FIELD_PREFIX) ? FIELD_PREFIX : ANNOTATIONS_PREFIX).length)

const lastOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

const withoutEnding = (path: string): string => path.replace(/(?<=[^/])\.[^./]*$/, "")
