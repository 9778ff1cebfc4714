import { Effect, Option, Schema, Stream } from "effect"
import { KEPT_WINDOWS_FILE } from "../classifier/site/keptWindows.ts"
import { StoredRecipe } from "../embeddings/recipe.ts"
import { decodeDocument, readDocumentIfWhole } from "../store/documents.ts"
import { DAMAGED, isDamagedKey, modelKey, VERSIONS_PREFIX, versionKey } from "../store/keys.ts"
import { setAside } from "../store/setAside.ts"
import { sha256, sha256Aside } from "../store/sha256.ts"
import { type ObjectInfo, orNone, Store } from "../store/store.ts"

/** Says which recordings a version was trained from. Written last: a version that has it was written to its end. */
export const TRAINING_SET_FILE = "training_set.json"
/** Says which of them it was tested on. */
export const HELD_OUT_FILE = "held_out.json"
/** Names the version that the copies under `models/` were made from; copied last. */
export const METADATA_FILE = "model_metadata.json"

/** What a version's metadata says of the vectors that it was made from. */
export const VersionRecipe = Schema.Struct({ recipe: StoredRecipe })

/** What a version can do without: a damaged one costs the version nothing else. */
const DISPENSABLE: ReadonlySet<string> = new Set([
  HELD_OUT_FILE,
  "performance_metrics.json",
  "training_history.pkl",
  "retraining_log.json",
  "map.json",
  "report.html",
  "ecosight.tflite",
  "ecosight_int8.tflite",
  "certificate.json",
  KEPT_WINDOWS_FILE
])

/** A version that cannot be used. */
export class VersionError extends Schema.TaggedError<VersionError>()("VersionError", {
  runId: Schema.String,
  message: Schema.String
}) {}

/**
 * `seal-<n>.json` of a version: the n-th that was written in its store, and what each of its files was then. So versions
 * have an order whatever clocks say, which a listing tells, and what damages a file later shows.
 */
const Seal = Schema.Struct({
  /** Whose it is: files are not judged by another version's. Absent in versions from before. */
  runId: Schema.optionalKey(Schema.String),
  files: Schema.Record(Schema.String, Schema.Struct({ size: Schema.Int, sha256: Schema.String }))
})
type Seal = typeof Seal.Type

const SEAL = /^seal-(\d{1,15})\.json$/
export const sealFile = (sequence: number): string => `seal-${sequence}.json`

/** The seal of a version with these files. */
export const sealOf = (runId: string, files: ReadonlyArray<readonly [string, Uint8Array]>): Effect.Effect<Seal> =>
  Effect.promise(async () => {
    const sealed = files.map(
      async ([name, bytes]) => [name, { size: bytes.length, sha256: await sha256Aside(bytes) }] as const
    )
    return { runId, files: Object.fromEntries(await Promise.all(sealed)) }
  })

/** A version as a listing tells it. */
export interface StoredVersion {
  readonly runId: string
  /** Its place in the order in which the store's versions were written; 0 for one from before there were seals. */
  readonly sequence: number
  /** Its files by name, without its seal and what is damaged. */
  readonly files: ReadonlyMap<string, ObjectInfo>
  /** Whether it was written to its end, and has lost nothing that it needs. */
  readonly isWhole: boolean
}

const versionOf = (runId: string, objects: ReadonlyArray<ObjectInfo>): StoredVersion => {
  const named = objects.map((object) => [object.key.slice(versionKey(runId, "").length), object] as const)
  const files = new Map(named.filter(([name]) => !SEAL.test(name) && !isDamagedKey(name)))
  const lost = named.flatMap(([name]) => (isDamagedKey(name) ? [name.split(DAMAGED)[0]!] : []))
  return {
    runId,
    sequence: Math.max(0, ...named.map(([name]) => Number(SEAL.exec(name)?.[1] ?? 0))),
    files,
    isWhole: files.has(TRAINING_SET_FILE) && lost.every((name) => files.has(name) || DISPENSABLE.has(name))
  }
}

/** Everything under `models/versions/`, whole or not, in the order in which it was written; of those without a seal, by id. */
export const listStored = Effect.gen(function* () {
  const store = yield* Store
  const objects = yield* Stream.runCollect(store.list(VERSIONS_PREFIX))
  return [...Map.groupBy(objects, ({ key }) => key.slice(VERSIONS_PREFIX.length).split("/")[0]!)]
    .map(([runId, own]) => versionOf(runId, own))
    .sort((a, b) => a.sequence - b.sequence || (a.runId < b.runId ? -1 : 1))
})

/** One of them; without files where there is none. */
export const findStored = Effect.fn("findStored")(function* (runId: string) {
  const store = yield* Store
  // Below no name lie the files of all.
  return versionOf(runId, runId === "" ? [] : yield* Stream.runCollect(store.list(versionKey(runId, ""))))
})

/** What the files of a version were when they were written; none for one from before, or where that is damaged or another's. */
export const readSeal = ({ runId, sequence }: StoredVersion) =>
  sequence === 0
    ? Effect.succeedNone
    : Effect.map(
        readDocumentIfWhole(versionKey(runId, sealFile(sequence)), Seal),
        Option.flatMap(({ value }) => ((value.runId ?? runId) === runId ? Option.some(value) : Option.none()))
      )

/** What is wrong with a file's bytes, completing "it"; undefined where nothing shows. */
export const flawOf = (bytes: Uint8Array, sealed: Seal["files"][string] | undefined): string | undefined => {
  if (bytes.length === 0 && sealed?.size !== 0) return "is empty"
  if (sealed !== undefined && bytes.length !== sealed.size) return `has ${bytes.length} bytes instead of ${sealed.size}`
  if (sealed !== undefined) return sha256(bytes) === sealed.sha256 ? undefined : "is not what was written"
  return bytes.every((byte) => byte === 0) ? "holds nothing but zeros" : undefined
}

/**
 * Brings a damaged file of a version back from its copy under `models/`, where that is what was written; else sets it
 * aside, with a warning. Returns the bytes that it has now.
 */
const mend = Effect.fnUntraced(function* (runId: string, file: string, seal: Option.Option<Seal>, flaw: string) {
  const store = yield* Store
  const key = versionKey(runId, file)
  const sealed = Option.getOrUndefined(seal)?.files[file]
  const copy = Option.getOrUndefined(yield* orNone(store.get(modelKey(file))))?.bytes
  if (sealed === undefined || copy === undefined || flawOf(copy, sealed) !== undefined) {
    const loss = DISPENSABLE.has(file) ? "its version does without" : `${runId} is no longer used`
    yield* setAside(key, `${key} ${flaw}.`, loss)
    return Option.none<Uint8Array>()
  }
  yield* store.put(key, copy).pipe(
    Effect.andThen(Effect.logWarning(`${key} ${flaw}: it is written again from its copy.`)),
    Effect.catch(({ message }) => Effect.logWarning(`${key} ${flaw}; its copy is used. ${message}`))
  )
  return Option.some(copy)
})

const readFrom = Effect.fnUntraced(function* (runId: string, file: string, seal: Option.Option<Seal>) {
  const store = yield* Store
  const found = yield* orNone(store.get(versionKey(runId, file)))
  const sealed = Option.getOrUndefined(seal)?.files[file]
  if (Option.isNone(found)) {
    return sealed === undefined ? Option.none<Uint8Array>() : yield* mend(runId, file, seal, "is missing")
  }
  const flaw = flawOf(found.value.bytes, sealed)
  return flaw === undefined ? Option.some(found.value.bytes) : yield* mend(runId, file, seal, flaw)
})

/**
 * Reads files of a version as they were written; none where there is none, or where it is damaged and has been set aside.
 * Its seal is read once.
 */
export const versionReader = (version: StoredVersion) =>
  Effect.map(readSeal(version), (seal) => (file: string) => readFrom(version.runId, file, seal))

/** All files of a version as they were written; fails where one that it needs is damaged or missing. */
export const readVersion = Effect.fn("readVersion")(function* (version: StoredVersion) {
  const { runId } = version
  const { location } = yield* Store
  if (!version.isWhole) {
    return yield* new VersionError({ runId, message: `${location} holds no whole version ${runId}.` })
  }
  const seal = yield* readSeal(version)
  const names = new Set([...version.files.keys(), ...Object.keys(Option.getOrUndefined(seal)?.files ?? {})])
  const read = yield* Effect.forEach(
    names,
    (file) =>
      Effect.map(
        readFrom(runId, file, seal),
        Option.map((bytes) => [file, bytes] as const)
      ),
    { concurrency: 4 }
  )
  const files = new Map(read.filter(Option.isSome).map(({ value }) => value))
  const lost = [...names].find((file) => !files.has(file) && !DISPENSABLE.has(file))
  if (lost === undefined) return files
  return yield* new VersionError({
    runId,
    message: `${versionKey(runId, lost)} is damaged, so ${runId} cannot be used: promote another version.`
  })
})

/** A version's document; none where there is none, or where it is damaged and has been set aside. */
export const readVersionDocument = Effect.fn("readVersionDocument")(function* <A>(
  runId: string,
  file: string,
  schema: Schema.ConstraintDecoder<A>
) {
  const store = yield* Store
  const key = versionKey(runId, file)
  const decode = (bytes: Uint8Array) => Effect.map(decodeDocument(key, schema, bytes), Option.some)
  const found = yield* orNone(store.get(key))
  if (Option.isNone(found)) return Option.none<A>()
  // What a crash leaves of a document is none, so that its seal need not be asked.
  return yield* decode(found.value.bytes).pipe(
    Effect.catchTag("DocumentError", ({ message }) =>
      Effect.gen(function* () {
        const flaw = message.slice(key.length + 1).replace(/\.$/, "")
        const mended = yield* mend(runId, file, yield* readSeal(yield* findStored(runId)), flaw)
        return Option.isSome(mended) ? yield* decode(mended.value) : Option.none<A>()
      })
    ),
    // A copy of another shape: nothing that a crash does.
    Effect.catchTag("DocumentError", () => Effect.succeed(Option.none<A>()))
  )
})
