import { Effect, Option, Schema } from "effect"
import { readDocument } from "../store/documents.ts"
import { versionKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { readPointer } from "./pointer.ts"
import { VersionError } from "./publish.ts"
import { readTrainingSet, wholeVersions } from "./trainingSet.ts"

const Score = Schema.NullOr(Schema.Finite)

const Metadata = Schema.Struct({
  training_date: Schema.String,
  classes: Schema.Array(Schema.String),
  test_accuracy: Schema.optionalKey(Score),
  macro_f1: Schema.optionalKey(Score),
  recording_counts: Schema.Record(Schema.String, Schema.Int),
  training_config: Schema.Record(Schema.String, Schema.Json),
  recipe: Schema.Struct({ id: Schema.String, parts: Schema.Record(Schema.String, Schema.Json) }),
  notes: Schema.Array(Schema.String)
})

const Interval = Schema.Struct({ low: Schema.Finite, high: Schema.Finite })

const Metrics = Schema.Struct({
  /** Where 95 % of the figures lie when the sources are drawn anew; versions of old do not tell. */
  intervals: Schema.optionalKey(Schema.Struct({ sources: Schema.Int, accuracy: Interval, macroF1: Interval })),
  per_class_metrics: Schema.Record(
    Schema.String,
    Schema.Struct({ precision: Schema.Finite, recall: Schema.Finite, f1_score: Schema.Finite, support: Schema.Int })
  )
})

/** A version as it was trained, and where it stands now. */
export const Version = Schema.Struct({
  runId: Schema.String,
  /** In UTC. */
  trained: Schema.String,
  classes: Schema.Array(Schema.String),
  recordings: Schema.Int,
  /** On its own holdout; null where nothing was held out. */
  accuracy: Score,
  macroF1: Score,
  state: Schema.Literals(["promoted", "was promoted", "candidate"])
})
export type Version = typeof Version.Type

/** A version with all that its files tell. */
export const VersionDetails = Schema.Struct({
  ...Version.fields,
  metadata: Metadata,
  perClass: Metrics.fields.per_class_metrics,
  intervals: Metrics.fields.intervals
})
export type VersionDetails = typeof VersionDetails.Type

/** Every whole version, the oldest first. */
export const listVersions = Effect.gen(function* () {
  const promoted = yield* readPointer()
  return yield* Effect.forEach(
    yield* wholeVersions,
    (runId) => Effect.map(readMetadata(runId), (metadata) => versionOf(runId, metadata, promoted)),
    { concurrency: 8 }
  )
})

/** One version in detail; fails where there is none, or where its files cannot be read. */
export const showVersion = Effect.fn("showVersion")(function* (runId: string) {
  const promoted = yield* readPointer()
  const metadata = yield* readMetadata(runId)
  const { per_class_metrics: perClass, ...sure } = yield* readFile(runId, "performance_metrics.json", Metrics)
  return { ...versionOf(runId, metadata, promoted), metadata, perClass, ...sure } satisfies VersionDetails
})

/** What changed from one version to another. */
export const Difference = Schema.Struct({
  versions: Schema.Tuple([VersionDetails, VersionDetails]),
  recordings: Schema.Struct({
    added: Schema.Int,
    removed: Schema.Int,
    changed: Schema.Int,
    same: Schema.Int
  }),
  /** Settings of training and parts of the recipe that differ, each with both values. */
  settings: Schema.Record(Schema.String, Schema.Tuple([Schema.Json, Schema.Json]))
})
export type Difference = typeof Difference.Type

/** Compares two versions: their data, settings and scores (each on its own holdout). */
export const diffVersions = Effect.fn("diffVersions")(function* (one: string, other: string) {
  const versions = [yield* showVersion(one), yield* showVersion(other)] as const
  const before = yield* readTrainingSet(one)
  const after = yield* readTrainingSet(other)
  const shared = [...after].filter(([key]) => before.has(key))
  const same = shared.filter(([key, etag]) => before.get(key) === etag).length
  const [old, now] = versions.map(({ metadata }) => ({ ...metadata.recipe.parts, ...metadata.training_config }))
  const names = [...new Set([...Object.keys(old!), ...Object.keys(now!)])]
  return {
    versions,
    recordings: {
      added: after.size - shared.length,
      removed: before.size - shared.length,
      changed: shared.length - same,
      same
    },
    settings: Object.fromEntries(
      names
        .map((name) => [name, [old![name] ?? null, now![name] ?? null]] as const)
        .filter(([, [was, is]]) => JSON.stringify(was) !== JSON.stringify(is))
    )
  } satisfies Difference
})

const readMetadata = (runId: string) => readFile(runId, "model_metadata.json", Metadata)

const readFile = Effect.fnUntraced(function* <A>(runId: string, file: string, schema: Schema.ConstraintDecoder<A>) {
  const { location } = yield* Store
  const found = yield* readDocument(versionKey(runId, file), schema).pipe(
    Effect.catchTag("DocumentError", ({ message }) => Effect.fail(new VersionError({ runId, message })))
  )
  if (Option.isSome(found)) return found.value.value
  return yield* new VersionError({ runId, message: `${location} holds no version ${runId} with a ${file}.` })
})

const versionOf = (
  runId: string,
  metadata: typeof Metadata.Type,
  promoted: Effect.Success<ReturnType<typeof readPointer>>
): Version => {
  const isPromoted = Option.isSome(promoted) && promoted.value.runId === runId
  const wasPromoted = Option.isSome(promoted) && promoted.value.history.some((before) => before.runId === runId)
  return {
    runId,
    trained: metadata.training_date,
    classes: metadata.classes,
    recordings: Object.values(metadata.recording_counts).reduce((sum, count) => sum + count, 0),
    accuracy: metadata.test_accuracy ?? null,
    macroF1: metadata.macro_f1 ?? null,
    state: isPromoted ? "promoted" : wasPromoted ? "was promoted" : "candidate"
  }
}
