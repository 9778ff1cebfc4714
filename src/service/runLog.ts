import { Schema, Struct } from "effect"
import type { RunEvent } from "../stream/events.ts"
import { STAGES } from "../stream/stages.ts"
import { Run } from "./runHistory.ts"

/** The data of a run's events as clients get them, by the event's name. */
export const EventData = {
  progress: Schema.Struct({
    stage: Schema.Literals(Struct.keys(STAGES)),
    done: Schema.Finite,
    total: Schema.NullOr(Schema.Finite),
    rate: Schema.NullOr(Schema.Finite),
    secondsLeft: Schema.NullOr(Schema.Finite),
    /** Of a cluster: each worker's clips a second. */
    workers: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, rate: Schema.Finite })))
  }),
  epoch: Schema.Struct({ epoch: Schema.Int, loss: Schema.Finite, validationLoss: Schema.NullOr(Schema.Finite) }),
  skip: Schema.Struct({ key: Schema.String, reason: Schema.String }),
  end: Schema.Struct({ status: Run.fields.status, outcome: Run.fields.outcome })
}
export type EventData = { readonly [Name in keyof typeof EventData]: (typeof EventData)[Name]["Type"] }

/** The id of every run's end: whoever names it has seen the end, also of a service that has been restarted since. */
export const END_ID = Number.MAX_SAFE_INTEGER

/** An event of a run as clients get it; ids grow, with gaps. */
export interface LoggedEvent<Name extends keyof EventData = keyof EventData> {
  readonly id: number
  readonly type: Name
  readonly data: EventData[Name]
}

/** What clients are told of something that goes on, remembered; its last event is `end`. */
export interface EventLog<Logged> {
  /** The events after this one, oldest first. */
  readonly after: (id: number) => ReadonlyArray<Logged>
  /** Calls back with every event from now on, until the function returned is called. */
  readonly subscribe: (listener: (event: Logged) => void) => () => void
}

export interface RunLog extends EventLog<LoggedEvent> {
  readonly add: (event: RunEvent, now: number) => void
  readonly end: (data: EventData["end"]) => void
}

const MOST_SKIPS = 500

/**
 * Remembers what a run told, for who asks later.
 *
 * Of each stage's progress only the latest is kept, so that a run over 100,000 recordings takes no more memory than one
 * over ten; epochs, and the first 500 skipped recordings, are kept whole.
 */
export const makeRunLog = (): RunLog => {
  const events = new Map<string, LoggedEvent>()
  const listeners = new Set<(event: LoggedEvent) => void>()
  const began = new Map<string, { readonly at: number; readonly done: number }>()
  let id = 0
  let skips = 0

  const put = <Name extends keyof EventData>(name: string, type: Name, data: EventData[Name], own = ++id) => {
    const event: LoggedEvent<Name> = { id: own, type, data }
    // Deleted first, because a Map keeps an old name's place, and events must stay in the order of their ids.
    events.delete(name)
    events.set(name, event)
    for (const listener of listeners) listener(event)
  }

  const add = (event: RunEvent, now: number) => {
    if (event.stage === "skip") {
      if (++skips <= MOST_SKIPS) put(`skip ${skips}`, "skip", { key: event.key, reason: event.reason })
      return
    }
    const first = began.get(event.stage) ?? { at: now, done: event.done }
    began.set(event.stage, first)
    const rate = now > first.at ? (event.done - first.done) / ((now - first.at) / 1000) : null
    const total = "total" in event ? event.total : null
    const secondsLeft = total !== null && rate ? (total - event.done) / rate : null
    const workers = "workers" in event && event.workers !== undefined ? { workers: event.workers } : {}
    put(event.stage, "progress", { stage: event.stage, done: event.done, total, rate, secondsLeft, ...workers })
    if (event.stage === "train") {
      const { done: epoch, loss, validationLoss } = event
      put(`epoch ${epoch}`, "epoch", { epoch, loss, validationLoss })
    }
  }

  return {
    add,
    end: (data) => put("end", "end", data, END_ID),
    after: (last) => [...events.values()].filter((event) => event.id > last),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}

/** Proxies and Bun cut a stream that is quiet for 10 s. */
const HEARTBEAT = 5_000

/** A log's events after `lastId` as Server-Sent Events, each as `told` has it, until its end or until the client goes. */
export const eventStream = <Logged extends { readonly id: number; readonly type: string; readonly data: unknown }>(
  log: EventLog<Logged>,
  lastId: number,
  told: (event: Logged) => ReadonlyArray<Logged>
): Response => {
  const encoder = new TextEncoder()
  let stop = () => {}
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      const send = (text: string) => controller.enqueue(encoder.encode(text))
      const finish = () => {
        stop()
        controller.close()
      }
      const show = (event: Logged) => {
        for (const { id, type, data } of told(event)) {
          send(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
        }
        if (event.type === "end") finish()
      }
      send("retry: 2000\n\n")
      const heartbeat = setInterval(() => send(": heartbeat\n\n"), HEARTBEAT)
      const unsubscribe = log.subscribe(show)
      stop = () => {
        clearInterval(heartbeat)
        unsubscribe()
      }
      log.after(lastId).forEach(show)
    },
    cancel: () => stop()
  })
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } })
}
