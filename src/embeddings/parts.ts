import { Effect, Option, Schema, Stream } from "effect"
import { damagedPartKey, partKey } from "../store/keys.ts"
import { sha256 } from "../store/sha256.ts"
import { isAbsence, type ObjectInfo, removeUnneeded, Store, type StoreError } from "../store/store.ts"

// Immutable, content-addressed Parquet files in a folder such as `embeddings/<recipe>/`. Many may write, merge and read at once,
// without a lock: whatever is removed was written elsewhere before, so who lists until nothing is new has seen every
// row, perhaps twice.

/** A part that cannot be read back: damaged, or not ours. */
export class PartError extends Schema.TaggedError<PartError>()("PartError", {
  part: Schema.String,
  message: Schema.String
}) {}

/** That this part cannot be read, and why, as a sentence. */
export const damaged = (part: string) => (cause: unknown) => {
  const why = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!.replace(/\.$/, "")
  return new PartError({ part, message: `${part} cannot be read: ${why}.` })
}

/** The name of the part with these bytes: their SHA-256, so that a damaged one shows. */
export const partName = (bytes: Uint8Array): string => sha256(bytes).slice(0, 32)

/** What `partName` gave the part at this key. */
export const nameOf = (part: string): string => part.slice(part.lastIndexOf("/") + 1, -".parquet".length)

/** The parts in a folder. */
export const listParts = (folder: string) =>
  Stream.unwrap(Effect.map(Store, (store) => store.list(folder))).pipe(
    Stream.filter(({ key }) => /^[^/]+\.parquet$/.test(key.slice(folder.length)))
  )

/** Every part, and, once these are read, those that were written meanwhile: a merge may have moved rows there. */
export const partsUntilSettled = (folder: string) => {
  const seen = new Set<string>()
  return Stream.paginate(undefined, () =>
    listParts(folder).pipe(
      Stream.filter(({ key }) => !seen.has(key)),
      Stream.runCollect,
      Effect.map((fresh) => {
        for (const { key } of fresh) seen.add(key)
        return [fresh, fresh.length > 0 ? Option.some(undefined) : Option.none()] as const
      })
    )
  )
}

/** Writes a part; the same bytes are the same object. Returns its key. */
export const writePart = Effect.fn("writePart")(function* (folder: string, bytes: Uint8Array) {
  const store = yield* Store
  return (yield* store.put(partKey(folder, partName(bytes)), bytes)).key
})

/** A part's bytes, once they are what its name says; fails where they are not. */
export const intact = (part: string, name: string, bytes: Uint8Array): Effect.Effect<Uint8Array, PartError> =>
  partName(bytes) === name
    ? Effect.succeed(bytes)
    : Effect.fail(new PartError({ part, message: `${part} is damaged: its content is not what its name says.` }))

/** Names a damaged part in a warning and sets it aside under `damaged/`; `loss` says what that means. */
const setAside = Effect.fnUntraced(function* (folder: string, loss: string, { part, message }: PartError) {
  const store = yield* Store
  const aside = damagedPartKey(folder, nameOf(part))
  yield* store.get(part).pipe(
    Effect.flatMap(({ bytes }) => store.put(aside, bytes)),
    Effect.andThen(removeUnneeded([part])),
    Effect.andThen(Effect.logWarning(`${message} It is set aside, and ${loss}.`)),
    // Unless it is gone already, it is met again; that alone stops nobody.
    Effect.catchIf(
      (error) => !isAbsence(error),
      (error) => Effect.logWarning(`${message} It is passed over, but stays: ${error.message}`)
    )
  )
})

/** Reads a part, once more where it seems damaged; one that is, is set aside, and there is something else `instead`. */
export const orAside =
  <A, E2, R2>(folder: string, loss: string, instead: Effect.Effect<A, E2, R2>) =>
  <R>(read: Effect.Effect<A, StoreError | PartError, R>) =>
    read.pipe(
      Effect.retry({ times: 1, while: ({ _tag }) => _tag === "PartError" }),
      Effect.catchTag("PartError", (error) => Effect.andThen(setAside(folder, loss, error), instead))
    )

/** Reads a part: nothing where it is gone since it was listed, or damaged, which sets it aside. */
export const tolerating =
  (folder: string, loss: string) =>
  <A, R>(read: Effect.Effect<ReadonlyArray<A>, StoreError | PartError, R>) =>
    read.pipe(
      orAside(folder, loss, Effect.succeed<ReadonlyArray<A>>([])),
      Effect.catchIf(isAbsence, () => Effect.succeed<ReadonlyArray<A>>([]))
    )

/** Removes parts whose rows are in `written`, or needed no more; who dies before leaves rows twice. */
export const removeParts = (parts: ReadonlyArray<ObjectInfo>, written: string | undefined) =>
  removeUnneeded(parts.map(({ key }) => key).filter((key) => key !== written))

/** When parts are merged. */
export interface Compaction {
  /** Bytes up to which a part is small. */
  readonly small: number
  /** Small parts that there have to be. */
  readonly least: number
  /** Bytes of a merged part, at most. */
  readonly merged: number
}

/** The small parts of a folder in groups to merge; none where they are few. */
export const partsToMerge = Effect.fn("partsToMerge")(function* (folder: string, { small, least, merged }: Compaction) {
  const parts = yield* listParts(folder).pipe(
    Stream.filter(({ size }) => size <= small),
    Stream.runCollect
  )
  return parts.length < least ? [] : groupBySize(parts, merged)
})

/** Consecutive parts, together no larger than `most` bytes. */
const groupBySize = (parts: ReadonlyArray<ObjectInfo>, most: number): ReadonlyArray<ReadonlyArray<ObjectInfo>> => {
  const groups: Array<Array<ObjectInfo>> = []
  let filled = Number.POSITIVE_INFINITY
  for (const part of parts) {
    if (filled + part.size > most) {
      groups.push([])
      filled = 0
    }
    groups.at(-1)!.push(part)
    filled += part.size
  }
  return groups
}
