import { Schema } from "effect"
import { END_ID, type EventLog } from "./runLog.ts"

/** The data of a scan's events as clients get them, by the event's name. */
export const ScanData = {
  progress: Schema.Struct({
    /** Hours of sound that were heard, of about how many there are to hear. */
    hours: Schema.Finite,
    totalHours: Schema.Finite,
    /** Times real time. */
    speed: Schema.Finite,
    secondsLeft: Schema.Finite
  }),
  skip: Schema.Struct({ key: Schema.String, reason: Schema.String }),
  end: Schema.Struct({
    status: Schema.Literals(["finished", "failed", "cancelled"]),
    outcome: Schema.NullOr(Schema.String)
  })
}
export type ScanData = { readonly [Name in keyof typeof ScanData]: (typeof ScanData)[Name]["Type"] }

/** An event of a scan; ids grow, with gaps. */
export interface ScanEvent<Name extends keyof ScanData = keyof ScanData> {
  readonly id: number
  readonly type: Name
  readonly data: ScanData[Name]
}

export interface ScanLog extends EventLog<ScanEvent> {
  readonly progress: (data: ScanData["progress"]) => void
  readonly skip: (data: ScanData["skip"]) => void
  readonly end: (data: ScanData["end"]) => void
}

const MOST_SKIPS = 500

/** Remembers what a scan told: the latest progress, the first 500 recordings that were skipped, and the end. */
export const makeScanLog = (): ScanLog => {
  const events = new Map<string, ScanEvent>()
  const listeners = new Set<(event: ScanEvent) => void>()
  let id = 0
  let skips = 0
  const put = <Name extends keyof ScanData>(name: string, type: Name, data: ScanData[Name], own = ++id) => {
    const event: ScanEvent<Name> = { id: own, type, data }
    // Deleted first, because a Map keeps an old name's place, and events must stay in the order of their ids.
    events.delete(name)
    events.set(name, event)
    for (const listener of listeners) listener(event)
  }
  return {
    progress: (data) => put("progress", "progress", data),
    skip: (data) => {
      if (++skips <= MOST_SKIPS) put(`skip ${skips}`, "skip", data)
    },
    end: (data) => put("end", "end", data, END_ID),
    after: (last) => [...events.values()].filter((event) => event.id > last),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
