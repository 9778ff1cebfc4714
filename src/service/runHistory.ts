import { hostname } from "node:os"
import { Effect, Option, Schema, Stream } from "effect"
import { isRunning } from "../registry/holder.ts"
import { runningRun } from "../registry/lease.ts"
import { isRunId, recordInterruption, writeRunRecord } from "../registry/runRecord.ts"
import { readDocument } from "../store/documents.ts"
import { RUNS_PREFIX, runKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"

/** A run as the service tells of it, whoever started it. */
export const Run = Schema.Struct({
  id: Schema.String,
  status: Schema.Literals(["running", "finished", "failed", "cancelled", "interrupted"]),
  startedAt: Schema.NullOr(Schema.String),
  /** Why it was started. */
  trigger: Schema.NullOr(Schema.String),
  /** One sentence on how it ended. */
  outcome: Schema.NullOr(Schema.String),
  /** What `bun run retrain --json` prints; null until it has finished. */
  summary: Schema.Json
})
export type Run = typeof Run.Type

const Record = Schema.StructWithRest(
  Schema.Struct({
    runId: Schema.String,
    status: Run.fields.status,
    startedAt: Schema.optionalKey(Schema.String),
    /** Who has started it, until its own process says more. */
    startedBy: Schema.optionalKey(Schema.Struct({ host: Schema.String, process: Schema.Int })),
    options: Schema.optionalKey(Schema.Struct({ reason: Schema.optionalKey(Schema.String) })),
    reason: Schema.optionalKey(Schema.Json),
    summary: Schema.optionalKey(Schema.Json)
  }),
  [Schema.Record(Schema.String, Schema.Json)]
)

const Sentence = Schema.Struct({ message: Schema.String })

const readRecord = (id: string) =>
  readDocument(runKey(id), Record).pipe(
    Effect.map(Option.map(({ value }) => value)),
    Effect.catchTag("DocumentError", ({ message }) => Effect.as(Effect.logWarning(message), Option.none()))
  )

/** Reads one run's record; none where there is no such run. */
export const readRun = Effect.fn("readRun")(function* (id: string) {
  const record = yield* readRecord(id)
  if (Option.isNone(record)) return Option.none<Run>()
  const { status, startedAt, options, reason, summary } = record.value
  const isGone = status === "running" && (yield* runningRun) !== id
  return Option.some<Run>({
    id,
    status: isGone ? "interrupted" : status,
    startedAt: startedAt ?? null,
    trigger: options?.reason ?? null,
    outcome: isGone ? GONE : outcomeOf(summary, reason),
    summary: summary ?? null
  })
})

const GONE = "The process of this run is gone; what it had embedded is kept, so another run goes on from there."

const outcomeOf = (summary: Schema.Json | undefined, reason: Schema.Json | undefined): string | null => {
  const decision = (summary as { readonly decision?: unknown } | undefined)?.decision
  if (typeof decision === "string") return decision
  if (typeof reason === "string") return reason
  return Schema.is(Sentence)(reason) ? reason.message : null
}

/** Ids of all runs, newest first. */
export const listRunIds = Effect.gen(function* () {
  const store = yield* Store
  const keys = yield* Stream.runCollect(store.list(RUNS_PREFIX))
  return keys
    .map(({ key }) => key.slice(RUNS_PREFIX.length, -".json".length))
    .filter(isRunId)
    .reverse()
})

/** Leaves a record of a run that is about to start, so that there is one whatever happens next. */
export const markStarted = (id: string, trigger: string, startedAt: string) =>
  writeRunRecord(id, {
    status: "running",
    startedAt,
    startedBy: { host: hostname(), process: process.pid },
    options: { reason: trigger }
  })

/** How many of the newest runs are looked at for one that nobody could mark. */
const LOOKED_AT = 20

/**
 * Marks runs whose process, or the service that started them, is gone without a word. For a service that has just
 * started: none of them is its own, though the number of its process may be that of the one before.
 */
export const markInterrupted = Effect.gen(function* () {
  const ids = (yield* listRunIds).slice(0, LOOKED_AT)
  for (const id of ids) {
    const record = yield* readRecord(id)
    if (Option.isNone(record) || record.value.status !== "running" || (yield* runningRun) === id) continue
    const { startedBy } = record.value
    const isElsewhere = startedBy !== undefined && startedBy.host !== hostname()
    const isOther = startedBy !== undefined && startedBy.process !== process.pid && isRunning(startedBy.process)
    if (isElsewhere || isOther) continue
    const where = startedBy === undefined ? "unknown where" : `on ${startedBy.host}, process ${startedBy.process}`
    yield* recordInterruption(id, where)
    yield* Effect.logWarning(`Run ${id} is marked as interrupted: its process is gone.`)
  }
})

/** Marks a run whose process ended without a word, unless its record says how it ended. */
export const markEnded = Effect.fn("markEnded")(function* (
  id: string,
  trigger: string,
  ending: { readonly status: "failed" | "cancelled"; readonly reason: string; readonly startedAt: string }
) {
  const record = yield* readRecord(id)
  if (Option.isSome(record) && record.value.status !== "running") return
  yield* writeRunRecord(id, { ...Option.getOrElse(record, () => ({ options: { reason: trigger } })), ...ending })
})
