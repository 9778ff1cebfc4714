import { randomBytes } from "node:crypto"
import { DateTime, Effect, Option, Schema } from "effect"
import { readDocumentIfWhole, writeDocument } from "../store/documents.ts"
import { runKey } from "../store/keys.ts"

/** A name for a run: `20260131T235959123Z-1a2b3c`. Names sort by time, to the millisecond: a small run takes less than a second. */
export const newRunId = Effect.map(
  DateTime.now,
  (now) => `${DateTime.formatIso(now).replaceAll(/[-:.]/g, "")}-${randomBytes(3).toString("hex")}`
)

/** Whether this is a run's name as `newRunId` makes them; nothing else becomes part of a key. */
export const isRunId = (id: string): boolean => /^\d{8}T\d{9}Z-[0-9a-f]{6}$/.test(id)

/** A run's name as a document gives it, which becomes part of a key: what leads elsewhere is none. */
export const RunName = Schema.String.check(Schema.makeFilter((id) => /^[A-Za-z0-9-]+$/.test(id)))

/** Writes `runs/<run id>.json`, replacing what it said before. */
export const writeRunRecord = (runId: string, record: object) =>
  writeDocument(runKey(runId), Schema.Unknown, { runId, ...record }).pipe(Effect.withSpan("writeRunRecord"))

const RunStatus = Schema.Struct({ status: Schema.String })

/** What a run's record says of its state; undefined where there is no record that can be read. */
export const readRunStatus = (runId: string) =>
  Effect.map(
    readDocumentIfWhole(runKey(runId), RunStatus),
    Option.match({ onNone: () => undefined, onSome: ({ value }) => value.status })
  )

const Running = Schema.StructWithRest(Schema.Struct({ status: Schema.Literal("running") }), [
  Schema.Record(Schema.String, Schema.Json)
])

/** Closes the record of a run whose process is gone (`where` it was), unless it says already how the run ended. */
export const recordInterruption = Effect.fn("recordInterruption")(function* (runId: string, where: string) {
  const found = yield* readDocumentIfWhole(runKey(runId), Running)
  if (Option.isNone(found)) return
  const reason =
    `The process of this run (${where}) was gone before it came to its end; what it had embedded is kept, so another ` +
    "run goes on from there."
  yield* writeRunRecord(runId, { ...found.value.value, status: "interrupted", reason })
})
