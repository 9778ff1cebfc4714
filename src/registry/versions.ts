import { Effect, Option, Schema } from "effect"
import { Store } from "../store/store.ts"
import { readPointer } from "./pointer.ts"
import { readTrainingSet, renamedClasses, wholeVersions } from "./trainingSet.ts"
import { METADATA_FILE, readVersionDocument, VersionError, VersionRecipe } from "./versionFiles.ts"

const Score = Schema.NullOr(Schema.Finite)

const Metadata = Schema.Struct({
  training_date: Schema.String,
  classes: Schema.Array(Schema.String),
  test_accuracy: Schema.optionalKey(Score),
  macro_f1: Schema.optionalKey(Score),
  recording_counts: Schema.Record(Schema.String, Schema.Int),
  training_config: Schema.Record(Schema.String, Schema.Json),
  ...VersionRecipe.fields,
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

/** Every whole version, the oldest first; one that cannot tell what it is is set aside. */
export const listVersions = Effect.gen(function* () {
  const promoted = yield* readPointer()
  const listed = yield* Effect.forEach(
    yield* wholeVersions,
    (runId) =>
      Effect.map(
        readVersionDocument(runId, METADATA_FILE, Metadata),
        Option.map((metadata) => versionOf(runId, metadata, promoted))
      ),
    { concurrency: 8 }
  )
  return listed.filter(Option.isSome).map(({ value }) => value)
})

/** One version in detail; fails where there is none, or where it cannot tell what it is. */
export const showVersion = Effect.fn("showVersion")(function* (runId: string) {
  const promoted = yield* readPointer()
  const metadata = yield* readMetadata(runId)
  const metrics = yield* readVersionDocument(runId, "performance_metrics.json", Metrics)
  const { per_class_metrics: perClass, ...sure } = Option.getOrElse(metrics, (): typeof Metrics.Type => ({
    per_class_metrics: {}
  }))
  return { ...versionOf(runId, metadata, promoted), metadata, perClass, ...sure } satisfies VersionDetails
})

/** What changed from one version to another. */
export const Difference = Schema.Struct({
  versions: Schema.Tuple([VersionDetails, VersionDetails]),
  /** The classes of both, in order; one that was renamed has another name after, and one that is in one of them alone null. */
  classes: Schema.Array(Schema.Struct({ before: Schema.NullOr(Schema.String), after: Schema.NullOr(Schema.String) })),
  recordings: Schema.Struct({
    added: Schema.Int,
    removed: Schema.Int,
    /** The same sound under another name or in another class: neither added nor removed. */
    moved: Schema.Int,
    changed: Schema.Int,
    same: Schema.Int
  }),
  /** Settings of training and parts of the recipe that differ, by path (`description.decay`), each with both values. */
  settings: Schema.Record(Schema.String, Schema.Tuple([Schema.Json, Schema.Json]))
})
export type Difference = typeof Difference.Type

/** Compares two versions: their data, settings and scores (each on its own holdout). */
export const diffVersions = Effect.fn("diffVersions")(function* (one: string, other: string) {
  const versions = [yield* showVersion(one), yield* showVersion(other)] as const
  const before = yield* readTrainingSet(one)
  const after = yield* readTrainingSet(other)
  const gone = countsOf([...before].filter(([key]) => !after.has(key)))
  const come = countsOf([...after].filter(([key]) => !before.has(key)))
  const moved = [...gone].reduce((sum, [content, count]) => sum + Math.min(count, come.get(content) ?? 0), 0)
  const shared = [...after].filter(([key]) => before.has(key))
  const same = shared.filter(([key, etag]) => before.get(key) === etag).length
  const [old, now] = versions.map(
    ({ metadata }) => new Map(leavesOf({ ...metadata.recipe.parts, ...metadata.training_config }))
  )
  return {
    versions,
    classes: pairClasses(versions[0].classes, versions[1].classes, renamedClasses(before, after)),
    recordings: {
      added: after.size - shared.length - moved,
      removed: before.size - shared.length - moved,
      moved,
      changed: shared.length - same,
      same
    },
    settings: Object.fromEntries(
      [...new Set([...old!.keys(), ...now!.keys()])]
        .map((path) => [path, [old!.get(path) ?? null, now!.get(path) ?? null]] as const)
        .filter(([, [was, is]]) => was !== is)
    )
  } satisfies Difference
})

/** How often each content is there. */
const countsOf = (recordings: ReadonlyArray<readonly [key: string, content: string]>): ReadonlyMap<string, number> =>
  new Map([...Map.groupBy(recordings, ([, content]) => content)].map(([content, own]) => [content, own.length]))

const pairClasses = (
  before: ReadonlyArray<string>,
  after: ReadonlyArray<string>,
  renamed: ReadonlyMap<string, string>
): Difference["classes"] => {
  const pairs = before.map((name) => {
    const now = renamed.get(name)
    const isNew = now !== undefined && after.includes(now) && !before.includes(now)
    return { before: name, after: isNew ? now : after.includes(name) ? name : null }
  })
  const paired = new Set(pairs.map((pair) => pair.after))
  const added = after.filter((name) => !paired.has(name)).map((name) => ({ before: null, after: name }))
  const nameOf = (pair: Difference["classes"][number]) => pair.before ?? pair.after ?? ""
  return [...pairs, ...added].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}

/** A class of two versions, as people are told of it. */
export const describeClass = ({ before, after }: Difference["classes"][number]): string =>
  before !== null && after !== null && before !== after ? `${before}, now ${after}` : (before ?? after ?? "")

/** What is no object or array, by its path. */
export const leavesOf = (value: Schema.Json, path = ""): ReadonlyArray<readonly [string, Schema.Json]> =>
  value === null || typeof value !== "object"
    ? [[path, value]]
    : Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, path === "" ? name : `${path}.${name}`))

const readMetadata = Effect.fnUntraced(function* (runId: string) {
  const { location } = yield* Store
  const found = yield* readVersionDocument(runId, METADATA_FILE, Metadata)
  if (Option.isSome(found)) return found.value
  const message = `${location} holds no version ${runId} with a ${METADATA_FILE}: bun run models list shows those that it holds.`
  return yield* new VersionError({ runId, message })
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
