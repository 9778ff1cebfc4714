import { randomBytes } from "node:crypto"
import { DateTime, Effect, Option, Schema } from "effect"
import { runKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { orNone } from "./pointer.ts"

/** A name for a run that sorts by time: `20260131T235959Z-1a2b3c`. */
export const newRunId = Effect.map(DateTime.now, (now) => {
  const time = DateTime.formatIso(now)
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "")
  return `${time}-${randomBytes(3).toString("hex")}`
})

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
