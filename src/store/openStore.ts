import { stat } from "node:fs/promises"
import { basename, dirname, isAbsolute, join, resolve } from "node:path"
import { Effect, Option, Stream } from "effect"
import { Settings } from "../config/settings.ts"
import { folderStore } from "./folder.ts"
import { explain, ignoreAbsence } from "./folder-error.ts"
import { FIELD_PREFIX, RECORDINGS_PREFIX } from "./keys.ts"
import { type OpenOptions, type OpenStore, type Store, StoreError } from "./store.ts"

const RECORDINGS_FOLDER = RECORDINGS_PREFIX.slice(0, -1)
const FIELD_FOLDER = FIELD_PREFIX.slice(0, -1)

/** Every kind of store but a folder, by its scheme. A new one gets its line here. */
const SCHEMES: Readonly<Record<string, OpenStore>> = {
  s3: (address, options) => openBucket(address, options)
}

/** What the address of a store begins with, such as `s3://`; anything else is a folder. */
export const STORE_SCHEMES: ReadonlyArray<string> = Object.keys(SCHEMES).map((name) => `${name}://`)

/**
 * Opens the store that `--store` names: `s3://bucket`, `s3://bucket/prefix`, another of `SCHEMES`, or a folder that holds
 * `extracted_audio` or `field_audio`.
 *
 * Where it names none: what `STORE` names, the bucket `S3_BUCKET`, else the current folder if it holds either, else none, so that
 * the caller can make its own.
 */
export const openStore = Effect.fn("openStore")(function* (
  location: Option.Option<string>,
  options: OpenOptions = { create: false }
) {
  const { storeLocation, bucket } = yield* Settings
  const named = Option.orElse(location, () => storeLocation)
  if (Option.isSome(named)) {
    const store = yield* openStoreAt(named.value, options)
    // A name that is mistyped begins a store as well as one that is meant.
    if (isAbsolute(store.location) && !(yield* holdsRecordings(store.location))) {
      yield* Effect.logWarning(
        `${store.location} holds no folder "${RECORDINGS_FOLDER}" yet: it is taken for a new store.`
      )
    }
    return Option.some(store)
  }
  if (Option.isSome(bucket)) return Option.some(yield* openBucket(bucket.value, options))
  return (yield* holdsRecordings(".")) ? Option.some(folderStore(".")) : Option.none<Store["Service"]>()
})

/** Opens the store at this location, for a program that is told where to write; a folder may be new. */
export const openStoreAt = Effect.fn("openStoreAt")(function* (
  location: string,
  options: OpenOptions = { create: true }
) {
  const [, scheme, address] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/s.exec(location) ?? []
  if (scheme === undefined) return yield* openFolder(location, options.create)
  if (Object.hasOwn(SCHEMES, scheme)) return yield* SCHEMES[scheme]!(address!, options)
  return yield* new StoreError({
    reason: "invalid",
    key: "",
    message: `There is no kind of store "${scheme}://": name a folder, or one of ${STORE_SCHEMES.join(", ")}.`
  })
})

/** Opens the store that `--store` names, for a command that may begin one: where none is named or found, this folder. */
export const openStoreOrHere = (location: Option.Option<string>, options: Omit<OpenOptions, "create"> = {}) =>
  Effect.map(
    openStore(location, { create: true, ...options }),
    Option.getOrElse(() => folderStore("."))
  )

/** How long one that may be away is asked. */
const PATIENCE = "3 seconds"

/** A bucket is asked for its first keys, so that a wrong name or credentials show at once. */
const openBucket = Effect.fn("openBucket")(function* (address: string, { mayBeAway = false }: OpenOptions) {
  const [, bucket, path] = /^([^/]*)\/?(.*?)\/*$/s.exec(address)!
  if (bucket === "") {
    return yield* new StoreError({
      reason: "invalid",
      key: "",
      message: `"s3://" names no bucket: write s3://<bucket>.`
    })
  }
  // Amazon's library takes a twentieth of a second to load, which folders do without.
  const { s3Store } = yield* Effect.promise(() => import("./s3.ts"))
  const store = s3Store(yield* Settings, bucket!, path === "" ? "" : `${path}/`)
  const asked = store.list("").pipe(Stream.take(1), Stream.runDrain)
  yield* mayBeAway
    ? asked.pipe(
        Effect.timeoutOption(PATIENCE),
        Effect.catchIf(
          ({ reason }) => reason === "unreachable",
          () => Effect.void
        )
      )
    : asked
  return store
})

const openFolder = Effect.fn("openFolder")(function* (folder: string, create: boolean) {
  const path = resolve(folder)
  const refuse = (reason: StoreError["reason"], message: string) => new StoreError({ reason, key: "", message })
  if (yield* holdsRecordings(path)) return folderStore(path)
  const found = yield* look(path)
  if (found?.isDirectory() === false) return yield* refuse("invalid", `${path} is a file: name a folder.`)
  if (create) return folderStore(path)
  if (found === undefined) return yield* refuse("missing", `There is no folder ${path}.`)
  if (basename(path) === RECORDINGS_FOLDER) {
    return yield* refuse(
      "invalid",
      `${path} holds the recordings themselves: name the folder around it, ${dirname(path)}.`
    )
  }
  return yield* refuse(
    "missing",
    `${path} holds no folder "${RECORDINGS_FOLDER}": it should hold a folder for each class.`
  )
})

const look = (path: string) =>
  Effect.tryPromise({ try: () => stat(path).catch(ignoreAbsence), catch: explain("", path, "read") })

const holdsRecordings = Effect.fnUntraced(function* (path: string) {
  return (yield* isFolder(join(path, RECORDINGS_FOLDER))) || (yield* isFolder(join(path, FIELD_FOLDER)))
})

const isFolder = (path: string) => Effect.map(look(path), (stats) => stats?.isDirectory() ?? false)
