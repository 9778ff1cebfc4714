import { Effect, Option, Schema } from "effect"
import { type Document, unlessChanged, writeDocument } from "../store/documents.ts"
import { DUPLICATES_KEY } from "../store/keys.ts"
import { readOrSetAside } from "../store/setAside.ts"

/** Two recordings that hold the same sound. */
export const DuplicatePair = Schema.Struct({
  /** Hex SHA-256 of both recordings' bytes, which a move or a new name does not change. */
  hashes: Schema.Tuple([Schema.String, Schema.String]),
  /** Where they lay when they were found. */
  keys: Schema.Tuple([Schema.String, Schema.String]),
  /** How much of the sound is the same, 0 to 1. */
  correlation: Schema.Finite
})
export type DuplicatePair = typeof DuplicatePair.Type

/** What is known of near-duplicates: those found, and the contents that have been compared with their neighbours. */
const Known = Schema.Struct({ pairs: Schema.Array(DuplicatePair), checked: Schema.Array(Schema.String) })
export type KnownDuplicates = typeof Known.Type

const read = readOrSetAside(DUPLICATES_KEY, Known, "bun run review looks for near-duplicates again")

const NOTHING: KnownDuplicates = { pairs: [], checked: [] }
const knownIn = Option.match({
  onNone: () => NOTHING,
  onSome: ({ value }: Document<KnownDuplicates>) => value
})

/** Reads what is known of near-duplicates in the store; nothing before the first review, or where it is damaged. */
export const readDuplicates = Effect.map(read, knownIn)

/** Adds to what is known; of two that write at once, the second adds to what the first wrote. */
export const addDuplicates = Effect.fn("addDuplicates")(
  function* (found: KnownDuplicates) {
    const before = yield* read
    const known = knownIn(before)
    const name = ({ hashes }: DuplicatePair) => hashes.join(" ")
    const pairs = new Map([...known.pairs, ...found.pairs].map((pair) => [name(pair), pair]))
    const merged: KnownDuplicates = {
      pairs: [...pairs.values()].sort((a, b) => (name(a) < name(b) ? -1 : 1)),
      checked: [...new Set([...known.checked, ...found.checked])].sort()
    }
    yield* writeDocument(DUPLICATES_KEY, Known, merged, unlessChanged(before))
    return merged
  },
  Effect.retry({ times: 5, while: (error) => error.reason === "conflict" })
)

/** A recording, as far as it tells which sources are one. */
export interface Sounding {
  /** Its source, by its name. */
  readonly group: string
  readonly contentHash: string
  /** Silent files are often the same bytes, which says nothing of where they come from. */
  readonly silent: boolean
}

/**
 * What each group (source) becomes when those that share a sound are joined: the first of the joined names, in
 * alphabetical order, for every group of `recordings`.
 */
export const mergeGroups = (
  recordings: Iterable<Sounding>,
  pairs: ReadonlyArray<Pick<DuplicatePair, "hashes">>
): ReadonlyMap<string, string> => {
  const groupsOf = new Map<string, Set<string>>()
  const parents = new Map<string, string>()
  for (const { group, contentHash, silent } of recordings) {
    parents.set(group, group)
    if (silent) continue
    const own = groupsOf.get(contentHash) ?? new Set()
    groupsOf.set(contentHash, own.add(group))
  }
  const root = (group: string): string => {
    const parent = parents.get(group)!
    if (parent === group) return group
    const found = root(parent)
    parents.set(group, found)
    return found
  }
  const join = (groups: Iterable<string>) => {
    const roots = [...groups].map(root).sort()
    for (const other of roots) parents.set(other, roots[0]!)
  }
  // The same bytes under two names need no pair.
  for (const groups of groupsOf.values()) join(groups)
  for (const { hashes } of pairs) join(hashes.flatMap((hash) => [...(groupsOf.get(hash) ?? [])]))
  return new Map([...parents.keys()].map((group) => [group, root(group)]))
}
