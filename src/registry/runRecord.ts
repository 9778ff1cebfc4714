import { randomBytes } from "node:crypto"
import { DateTime, Effect, Option, Schema } from "effect"
import { runKey } from "../store/keys.ts"
import { orNone, Store } from "../store/store.ts"

/** A name for a run: `20260131T235959123Z-1a2b3c`. Names sort by time, to the millisecond: a small run takes less than a second. */
export const newRunId = Effect.map(
  DateTime.now,
  (now) => `${DateTime.formatIso(now).replaceAll(/[-:.]/g, "")}-${randomBytes(3).toString("hex")}`
)

/** Whether this is a run's name as `newRunId` makes them; nothing else becomes part of a key. */
export const isRunId = (id: string): boolean => /^\d{8}T\d{9}Z-[0-9a-f]{6}$/.test(id)

/** Writes `runs/<run id>.json`, replacing what it said before. */
export const writeRunRecord = Effect.fn("writeRunRecord")(function* (runId: string, record: object) {
  const store = yield* Store
  yield* store.put(runKey(runId), new TextEncoder().encode(`${JSON.stringify({ runId, ...record }, null, 2)}\n`))
})

const RunRecord = Schema.fromJsonString(Schema.Struct({ status: Schema.String }))

/** What a run's record says of its state; undefined where there is no record that can be read. */
export const readRunStatus = Effect.fn("readRunStatus")(function* (runId: string) {
  const store = yield* Store
  const found = yield* orNone(store.get(runKey(runId)))
  return Option.flatMap(found, ({ bytes }) =>
    Schema.decodeUnknownOption(RunRecord)(new TextDecoder().decode(bytes))
  ).pipe(
    Option.map(({ status }) => status),
    Option.getOrUndefined
  )
})
