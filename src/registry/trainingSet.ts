import { Effect, Option, Schema, Stream } from "effect"
import { Embeddings } from "../embeddings/embeddings.ts"
import { KnownRecordings } from "../embeddings/sighting.ts"
import { encodeDocument, readDocument } from "../store/documents.ts"
import { classOf, VERSIONS_PREFIX, versionKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { readPointer } from "./pointer.ts"
import { readRunStatus } from "./runRecord.ts"

/** The file of a version that says which recordings it was trained from. */
export const TRAINING_SET_FILE = "training_set.json"

const File = Schema.Record(Schema.String, Schema.String)

/** What a version was trained from: key to content (hex SHA-256). */
export type TrainingSet = ReadonlyMap<string, string>

const CONTENT = "sha256:"

/** A training set as a file; keys in order, so that the same set gives the same bytes. */
export const encodeTrainingSet = (set: TrainingSet): Uint8Array =>
  encodeDocument(
    Object.fromEntries([...set].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, content]) => [key, CONTENT + content]))
  )

/**
 * What a version was trained from; empty where there is no such version, so that everything counts as new.
 *
 * Versions from before recordings were known by their content name ETags instead: what these were is looked up among the
 * embeddings of the version's recipe, and what is not found there is left out.
 */
export const readTrainingSet = Effect.fn("readTrainingSet")(function* (runId: string) {
  const found = yield* readDocument(versionKey(runId, TRAINING_SET_FILE), File)
  const entries = Option.match(found, { onNone: () => [], onSome: ({ value }) => Object.entries(value) })
  if (entries.every(([, content]) => content.startsWith(CONTENT))) {
    return new Map(entries.map(([key, content]) => [key, content.slice(CONTENT.length)]))
  }
  const known = yield* knownTo(runId)
  return new Map(
    entries.flatMap(([key, etag]) => {
      const contentHash = known.contentOf({ key, etag })
      return contentHash === undefined ? [] : [[key, contentHash] as const]
    })
  )
})

const Metadata = Schema.Struct({ recipe: Schema.Struct({ id: Schema.String }) })

/** The recordings that are known in a version's recipe. */
const knownTo = Effect.fnUntraced(function* (runId: string) {
  const embeddings = yield* Embeddings
  const metadata = yield* readDocument(versionKey(runId, "model_metadata.json"), Metadata)
  return Option.isNone(metadata) ? new KnownRecordings() : yield* embeddings.index(metadata.value.value.recipe)
})

/** The runs whose versions are whole, the oldest first: run ids sort by time. */
export const wholeVersions = Effect.gen(function* () {
  const store = yield* Store
  const suffix = `/${TRAINING_SET_FILE}`
  return yield* store.list(VERSIONS_PREFIX).pipe(
    Stream.filter(({ key }) => key.endsWith(suffix)),
    Stream.map(({ key }) => key.slice(VERSIONS_PREFIX.length, -suffix.length)),
    Stream.runCollect
  )
})

/**
 * The newest run that trained and came to a decision, whether to promote or not.
 *
 * A version whose run died before its decision does not count, unless it is promoted: its recordings are still new.
 */
export const newestVersion = Effect.gen(function* () {
  const promoted = yield* readPointer()
  for (const runId of (yield* wholeVersions).toReversed()) {
    if (Option.isSome(promoted) && promoted.value.runId === runId) return Option.some(runId)
    if ((yield* readRunStatus(runId)) === "finished") return Option.some(runId)
  }
  return Option.none<string>()
})

/** The last training. */
export interface LastTraining {
  readonly set: TrainingSet
  /** The recordings that are known in its recipe. */
  readonly known: KnownRecordings
}

/** What the newest such run trained from; nothing before the first, so that everything counts as new. */
export const lastTrainingSet = Effect.gen(function* () {
  const newest = yield* newestVersion
  return Option.isNone(newest) ? new Map<string, string>() : yield* readTrainingSet(newest.value)
})

/** The same, and what was known then. */
export const lastTraining = Effect.gen(function* () {
  const newest = yield* newestVersion
  if (Option.isNone(newest)) return { set: new Map(), known: new KnownRecordings() } satisfies LastTraining
  return { set: yield* readTrainingSet(newest.value), known: yield* knownTo(newest.value) } satisfies LastTraining
})

/**
 * Tells whether a training has not heard a content under the class of a key yet. A recording whose content is not known
 * counts as new.
 */
export const newSince = (set: TrainingSet) => {
  const heard = new Set([...set].map(([key, contentHash]) => `${classOf(key)}/${contentHash}`))
  return (key: string, contentHash: string | undefined): boolean => !heard.has(`${classOf(key)}/${contentHash}`)
}
