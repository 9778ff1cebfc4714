import { Effect, Option, Schema, Stream } from "effect"
import { VERSIONS_PREFIX, versionKey } from "../store/keys.ts"
import { orNone, Store } from "../store/store.ts"
import { readPointer } from "./pointer.ts"
import { readRunStatus } from "./runRecord.ts"

/** The file of a version that says which recordings, in which version, it was trained from. */
export const TRAINING_SET_FILE = "training_set.json"

const TrainingSet = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))

/** A training set, key to ETag, as a file; keys in order, so that the same set gives the same bytes. */
export const encodeTrainingSet = (live: ReadonlyMap<string, string>): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(Object.fromEntries([...live].sort(([a], [b]) => (a < b ? -1 : 1)))))

/** What a version was trained from; empty where there is no such version, so that everything counts as new. */
export const readTrainingSet = Effect.fn("readTrainingSet")(function* (runId: string) {
  const store = yield* Store
  const found = yield* orNone(store.get(versionKey(runId, TRAINING_SET_FILE)))
  if (Option.isNone(found)) return new Map<string, string>()
  const set = yield* Schema.decodeUnknownEffect(TrainingSet)(new TextDecoder().decode(found.value.bytes))
  return new Map(Object.entries(set))
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

/** What the newest such run trained from, key to ETag; empty before the first, so that everything counts as new. */
export const lastTrainingSet = Effect.gen(function* () {
  const newest = yield* newestVersion
  return Option.isNone(newest) ? new Map<string, string>() : yield* readTrainingSet(newest.value)
})
