import { Effect, Option, Schema } from "effect"
import { Embeddings } from "../embeddings/embeddings.ts"
import { KnownRecordings } from "../embeddings/sighting.ts"
import { encodeDocument } from "../store/documents.ts"
import { classOf } from "../store/keys.ts"
import { type Promoted, readPointer } from "./pointer.ts"
import { readRunStatus } from "./runRecord.ts"
import {
  listStored,
  METADATA_FILE,
  readVersionDocument,
  type StoredVersion,
  TRAINING_SET_FILE
} from "./versionFiles.ts"

const File = Schema.Record(Schema.String, Schema.String)

/** What a version was trained from: key to content (hex SHA-256). */
export type TrainingSet = ReadonlyMap<string, string>

const CONTENT = "sha256:"

/** A training set as a file; keys in order, so that the same set gives the same bytes. */
export const encodeTrainingSet = (set: TrainingSet): Uint8Array =>
  encodeDocument(
    Object.fromEntries([...set].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, content]) => [key, CONTENT + content]))
  )

/** What a version was trained from; empty where there is no such version, or where that is damaged. */
export const readTrainingSet = Effect.fn("readTrainingSet")(function* (runId: string) {
  const file = yield* readVersionDocument(runId, TRAINING_SET_FILE, File)
  return Option.isNone(file) ? new Map<string, string>() : yield* contentsOf(runId, file.value)
})

/**
 * The contents of the recordings that a training set names.
 *
 * Versions from before recordings were known by their content name ETags instead: what these were is looked up among the
 * embeddings of the version's recipe, and what is not found there is left out.
 */
const contentsOf = Effect.fnUntraced(function* (runId: string, file: typeof File.Type) {
  const entries = Object.entries(file)
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

const Metadata = Schema.Struct({ recipe: Schema.optionalKey(Schema.Struct({ id: Schema.String })) })

/** The recordings that are known in a version's recipe. */
const knownTo = Effect.fnUntraced(function* (runId: string) {
  const embeddings = yield* Embeddings
  const metadata = Option.getOrUndefined(yield* readVersionDocument(runId, METADATA_FILE, Metadata))
  return metadata?.recipe === undefined ? new KnownRecordings() : yield* embeddings.index(metadata.recipe)
})

/** The runs whose versions are whole, in the order in which they were trained. */
export const wholeVersions = Effect.gen(function* () {
  const stored = (yield* listStored).filter(({ isWhole }) => isWhole)
  return inOrderOfPromotion(stored, Option.getOrUndefined(yield* readPointer())).map(({ runId }) => runId)
})

/**
 * Versions from before there were seals have no order but that of their ids, which is that of clocks; those that were
 * promoted came in the order of their first promotion.
 */
const inOrderOfPromotion = (stored: ReadonlyArray<StoredVersion>, promoted: Promoted | undefined) => {
  if (promoted === undefined) return stored
  const firsts = new Set([...promoted.history.map(({ runId }) => runId).toReversed(), promoted.runId])
  const isAmong = ({ runId, sequence }: StoredVersion) => sequence === 0 && firsts.has(runId)
  const own = new Map(stored.filter(isAmong).map((version) => [version.runId, version]))
  const ordered = [...firsts].flatMap((runId) => own.get(runId) ?? []).values()
  return stored.map((version) => (isAmong(version) ? ordered.next().value! : version))
}

/**
 * The newest run that trained and came to a decision, whether to promote or not, and can tell what it was trained from.
 *
 * A version whose run died before its decision does not count, unless it is promoted: its recordings are still new.
 */
const newest = Effect.gen(function* () {
  const promoted = yield* readPointer()
  for (const runId of (yield* wholeVersions).toReversed()) {
    const isPromoted = Option.isSome(promoted) && promoted.value.runId === runId
    if (!isPromoted && (yield* readRunStatus(runId)) !== "finished") continue
    const file = yield* readVersionDocument(runId, TRAINING_SET_FILE, File)
    const metadata = yield* readVersionDocument(runId, METADATA_FILE, Metadata)
    if (Option.isSome(file) && Option.isSome(metadata)) return Option.some({ runId, file: file.value })
  }
  return Option.none<{ readonly runId: string; readonly file: typeof File.Type }>()
})

/** That run. */
export const newestVersion = Effect.map(
  newest,
  Option.map(({ runId }) => runId)
)

/** The last training. */
export interface LastTraining {
  readonly set: TrainingSet
  /** The recordings that are known in its recipe. */
  readonly known: KnownRecordings
}

/** What the newest such run trained from; nothing before the first, so that everything counts as new. */
export const lastTrainingSet = Effect.gen(function* () {
  const found = yield* newest
  return Option.isNone(found) ? new Map<string, string>() : yield* contentsOf(found.value.runId, found.value.file)
})

/** The same, and what was known then. */
export const lastTraining = Effect.gen(function* () {
  const found = yield* newest
  if (Option.isNone(found)) return { set: new Map(), known: new KnownRecordings() } satisfies LastTraining
  const { runId, file } = found.value
  return { set: yield* contentsOf(runId, file), known: yield* knownTo(runId) } satisfies LastTraining
})

/**
 * Tells whether a training has not heard a content under the class of a key yet. A recording whose content is not known
 * counts as new.
 */
export const newSince = (set: TrainingSet) => {
  const heard = new Set([...set].map(([key, contentHash]) => `${classOf(key)}/${contentHash}`))
  return (key: string, contentHash: string | undefined): boolean => !heard.has(`${classOf(key)}/${contentHash}`)
}

/**
 * What classes of a training are called now: one of which there is no recording any more is what most of its recordings,
 * as far as they are still there, lie in. So it is with a class that was renamed, or became one with another.
 */
export const renamedClasses = (before: TrainingSet, now: TrainingSet): ReadonlyMap<string, string> => {
  const classNow = new Map([...now].map(([key, contentHash]) => [contentHash, classOf(key)]))
  const left = new Set([...now.keys()].map(classOf))
  const ofClass = Map.groupBy(before, ([key]) => classOf(key))
  return new Map(
    [...ofClass].flatMap(([className, recordings]) => {
      if (className === undefined || left.has(className)) return []
      const there = recordings.flatMap(([, contentHash]) => classNow.get(contentHash) ?? [])
      const [most] = [...Map.groupBy(there, (name) => name)].sort(([, a], [, b]) => b.length - a.length)
      return most !== undefined && 2 * most[1].length > there.length ? [[className, most[0]] as const] : []
    })
  )
}
