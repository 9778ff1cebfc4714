import { Option, Schema } from "effect"
import type { Run } from "./runHistory.ts"
import type { EventData, LoggedEvent } from "./runLog.ts"

// Runs as those may read them who have no token: without what names files, servers and machines.

const WITHHELD = "(told with the token)"

/** Why a run failed may name anything, and where one was interrupted names a machine. */
export const endForAnybody = <R extends Pick<Run, "status" | "outcome">>(run: R): R =>
  run.status === "failed" || run.status === "interrupted"
    ? { ...run, outcome: `The run ${ENDED[run.status]}; why is told with the token.` }
    : run

const ENDED = { failed: "failed", interrupted: "was interrupted" }

export const runForAnybody = <R extends Run>(run: R): R => ({
  ...endForAnybody(run),
  summary: summaryForAnybody(run.summary)
})

const Skipped = Schema.Array(Schema.Struct({ key: Schema.String, reason: Schema.String }))
const Engine = Schema.Struct({ name: Schema.String })
const Summary = Schema.Record(Schema.String, Schema.Json)

const summaryForAnybody = (told: Schema.Json): Schema.Json => {
  const summary = Option.getOrUndefined(Schema.decodeUnknownOption(Summary)(told))
  if (summary === undefined) return null
  const { skipped, engine } = summary
  return {
    ...summary,
    store: WITHHELD,
    engine: { name: Schema.is(Engine)(engine) ? engine.name : "", adapter: WITHHELD, why: WITHHELD },
    // How many there were, and for what reasons.
    skipped: Schema.is(Skipped)(skipped) ? skipped.map(({ reason }) => ({ key: WITHHELD, reason })) : [],
    noted: [],
    silent: [],
    contradictions: [],
    artifacts: [],
    notes: []
  }
}

/** None where the event tells of nothing else. */
export const eventForAnybody = (event: LoggedEvent): ReadonlyArray<LoggedEvent> => {
  switch (event.type) {
    case "skip":
      return []
    case "progress": {
      const { workers: _, ...data } = event.data as EventData["progress"]
      return [{ ...event, data }]
    }
    case "end":
      return [{ ...event, data: endForAnybody(event.data as EventData["end"]) }]
    default:
      return [event]
  }
}
