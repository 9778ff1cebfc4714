import { Context, Effect, Option, Schema, type Scope, type Stream } from "effect"
import type { Settings } from "../config/settings.ts"

/** What listing a store says of an object. */
export const ObjectInfo = Schema.Struct({
  key: Schema.String,
  /** Changes whenever the content does; without the quotes of HTTP. Where a server lists none, a `versionByTime`. */
  etag: Schema.String,
  /** Bytes. */
  size: Schema.Number
})
export type ObjectInfo = typeof ObjectInfo.Type

/**
 * Why what was listed under this key cannot be opened, where its name on a disk is not UTF-8: what stands in a listing for such
 * bytes is no name of any file. Asked where it turned out not to be there; a name may hold that letter itself.
 */
export const whyMisnamed = (key: string): string | undefined =>
  key.includes("\uFFFD")
    ? "Its name is not UTF-8, so it cannot be opened: rename it (convmv does so for a whole folder)."
    : undefined

/** What stands for an ETag where a server lists none; nothing where it tells no time either. */
export const versionByTime = (modified: Date | undefined, size: number): string =>
  modified === undefined ? "" : `${Math.floor(modified.getTime() / 1000)} s, ${size} bytes`

/** Whether this stands for an ETag, so that the one that comes with the bytes need not be the same. */
export const isVersionByTime = (etag: string): boolean => / s, \d+ bytes$/.test(etag)

/** When a `put` may go ahead: only over the version named, or only where there is nothing yet. */
export type PutCondition = { readonly ifMatch: string } | { readonly ifNoneMatch: "*" }

/**
 * Why the store did not do what was asked; `message` is one sentence that says what to do about it.
 *
 * - `missing`: no such object, whose message ends in `<key> does not exist.`; or, with an empty key, no such bucket or folder
 * - `denied`: no credentials, or they are refused
 * - `conflict`: a conditional `put` lost to another writer, also to one that removed the object
 * - `unreachable`: no answer, or none that could be used, after retries
 * - `full`: no room is left for what is to be written
 * - `invalid`: the request can never work, such as a key that no folder can hold
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  reason: Schema.Literals(["missing", "denied", "conflict", "unreachable", "full", "invalid"]),
  /** The key, or the prefix when listing; empty where the whole store is meant. */
  key: Schema.String,
  message: Schema.String
}) {}

/** Fails for a key that cannot name an object: `.` and `..` are resolved on the way to a server, or out of a folder. */
export const refuseKey = (key: string): Effect.Effect<void, StoreError> =>
  key !== "" && key.isWellFormed() && !key.includes("\0") && !/(^|\/)\.{1,2}(\/|$)/.test(key)
    ? Effect.void
    : Effect.fail(new StoreError({ reason: "invalid", key, message: `"${key}" cannot be the key of an object.` }))

/** A bucket or a folder; the same keys in both. Objects are written whole. */
export class Store extends Context.Service<
  Store,
  {
    /** What `--store` would name it by on this machine: `s3://bucket`, or the folder's absolute path. */
    readonly location: string
    /** The folder that it is, into which Workers may write audit copies by themselves (`writeCopy`); absent for others. */
    readonly folder?: string
    /**
     * Every object whose key begins with `prefix`, in the order of the keys' UTF-8 bytes, fetched as it is asked for;
     * with `after`, only those that come after that key.
     */
    readonly list: (prefix: string, after?: string) => Stream.Stream<ObjectInfo, StoreError>
    /** The whole object, in a buffer of its own that a Worker can be handed, and the version that these bytes are. */
    readonly get: (key: string) => Effect.Effect<{ readonly bytes: Uint8Array; readonly etag: string }, StoreError>
    /** Its bytes `from` to `to`, exclusive, as far as it has them; for objects that never change. */
    readonly getRange: (key: string, from: number, to: number) => Effect.Effect<Uint8Array, StoreError>
    /** Whether it turned out to give whole objects only, whatever range is asked for; absent where it cannot. */
    readonly givesWhole?: () => boolean
    /** What listing would say of this one object. */
    readonly find: (key: string) => Effect.Effect<Option.Option<ObjectInfo>, StoreError>
    /** Writes the whole object at once: a reader sees the old content or the new, nothing between. */
    readonly put: (key: string, bytes: Uint8Array, condition?: PutCondition) => Effect.Effect<ObjectInfo, StoreError>
    /** Removes the object; that there is none is no error. */
    readonly remove: (key: string) => Effect.Effect<void, StoreError>
    /**
     * A `put` in two steps, where a store can: writes the object out of sight; the effect that it returns puts it in
     * place, without needing room. The scope's end removes what was not.
     */
    readonly stage?: (
      key: string,
      bytes: Uint8Array
    ) => Effect.Effect<Effect.Effect<ObjectInfo, StoreError>, StoreError, Scope.Scope>
  }
>()("ecosight/store/Store") {}

export interface OpenOptions {
  /** Whether it may be new, for it is about to be written. */
  readonly create: boolean
  /** Whether it may not answer now, because who opens it can wait until it does. */
  readonly mayBeAway?: boolean
}

/** Opens the store at an address, which is what follows `<scheme>://`. */
export type OpenStore = (address: string, options: OpenOptions) => Effect.Effect<Store["Service"], StoreError, Settings>

/** Whether there is no such object, in a store that is there. */
export const isAbsence = ({ reason, key }: StoreError): boolean => reason === "missing" && key !== ""

/** Whether what was listed under this key cannot be an object's content: a pipe in a folder, say. */
export const isNoFile = ({ reason, key }: StoreError): boolean => reason === "invalid" && key !== ""

/** Turns "there is no such object" into None, and leaves every other failure. */
export const orNone = <A, R>(self: Effect.Effect<A, StoreError, R>): Effect.Effect<Option.Option<A>, StoreError, R> =>
  self.pipe(
    Effect.map(Option.some),
    Effect.catchIf(isAbsence, () => Effect.succeedNone)
  )

const told = new WeakSet<Store["Service"]>()

/**
 * Removes what is needed no more. Where that is not permitted it stays, and the missing permission is told of once. Returns
 * whether it is permitted.
 */
export const removeUnneeded = Effect.fn("removeUnneeded")(function* (keys: ReadonlyArray<string>) {
  const store = yield* Store
  return yield* Effect.forEach(keys, store.remove, { discard: true }).pipe(
    Effect.as(true),
    Effect.catchIf(
      ({ reason, key }) => reason === "denied" && key !== "",
      Effect.fnUntraced(function* ({ message }: StoreError) {
        if (!told.has(store)) yield* Effect.logWarning(`${message} What is needed no more stays until then.`)
        told.add(store)
        return false
      })
    )
  )
})
