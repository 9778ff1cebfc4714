import { Effect, Option, Schema, Stream } from "effect"
import { counted } from "../config/inWords.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { embedderOf, precisionOf, type Recipe, vectorsOf } from "../embeddings/recipe.ts"
import { isRunId } from "../registry/runRecord.ts"
import { newestVersion } from "../registry/trainingSet.ts"
import { METADATA_FILE, readVersionDocument, VersionRecipe } from "../registry/versionFiles.ts"
import { readDocumentIfWhole } from "../store/documents.ts"
import { RUNS_PREFIX, runKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"

/**
 * What to say before a store's recordings are embedded again, because its last training's vectors lack some that the
 * embedder gives now or were made in another precision: how many, and how long it will take at the pace of an earlier run.
 * Undefined where that is not why.
 */
export const embeddedAgain = Effect.fn("embeddedAgain")(function* (recipe: Recipe) {
  const newest = yield* newestVersion
  if (Option.isNone(newest)) return undefined
  const metadata = yield* readVersionDocument(newest.value, METADATA_FILE, VersionRecipe)
  if (Option.isNone(metadata)) return undefined
  const before = metadata.value.recipe
  const [was, is] = [vectorsOf(before), vectorsOf(recipe)]
  const added = Object.keys(is).filter((name) => was[name] !== is[name])
  const [precise, asked] = [precisionOf(before), precisionOf(recipe)]
  if ((added.length === 0 && precise === asked) || embedderOf(before).id !== embedderOf(recipe).id) return undefined
  const stored = [...(yield* (yield* Embeddings).index(before)).contents()].length
  if (stored === 0) return undefined
  const pace = yield* lastPace
  const long = pace === undefined ? "" : `, which takes about ${duration(stored * pace)} at the pace of an earlier run`
  const why =
    added.length > 0
      ? `the stored vectors lack ${added.join(" and ")}, which the embedder gives now`
      : `the stored vectors are of ${precise}, and PRECISION is ${asked}`
  return (
    `${counted(stored, "recording is", "recordings are")} embedded again${long}: ${why}. ` +
    `Those of before stay where they are, under embeddings/${before.id}.`
  )
})

const Embedding = Schema.Struct({
  summary: Schema.Struct({ embedded: Schema.Int, seconds: Schema.Struct({ stream: Schema.Finite }) })
})

/** How many of the newest records are looked at, and recordings that a run has to have embedded to tell a pace. */
const [LOOKED_AT, ENOUGH] = [20, 10]

/** Seconds that a recording took in the newest run that embedded some; undefined where no record tells. */
const lastPace = Effect.gen(function* () {
  const store = yield* Store
  const keys = yield* Stream.runCollect(store.list(RUNS_PREFIX))
  const ids = keys.map(({ key }) => key.slice(RUNS_PREFIX.length, -".json".length)).filter(isRunId)
  for (const id of ids.reverse().slice(0, LOOKED_AT)) {
    const record = yield* readDocumentIfWhole(runKey(id), Embedding)
    if (Option.isNone(record)) continue
    const { embedded, seconds } = record.value.value.summary
    if (embedded >= ENOUGH) return seconds.stream / embedded
  }
  return undefined
})

const duration = (seconds: number): string => {
  if (seconds < 90) return seconds <= 1 ? "a second" : `${Math.ceil(seconds)} seconds`
  return seconds < 5400 ? `${Math.round(seconds / 60)} minutes` : `${(seconds / 3600).toFixed(1)} hours`
}
