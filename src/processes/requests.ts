import { Effect, Schema } from "effect"
import type { ToProcess } from "./protocol.ts"

// The bookkeeping of a supervised process: which requests wait, which are with it, and which it works on.

/** The process that worked on the request has died; `how` is its signal or exit status. */
export class ProcessDied extends Schema.TaggedError<ProcessDied>()("ProcessDied", {
  how: Schema.String,
  /** Whether it was killed, since nothing had been heard of the request for too long. */
  hung: Schema.Boolean,
  message: Schema.String
}) {}

/** So many requests wait that another would only wait longer. */
export class ProcessBusy extends Schema.TaggedError<ProcessBusy>()("ProcessBusy", { message: Schema.String }) {}

/** The process refused or failed a request; `tag` is the error's own. */
export class RequestFailed extends Schema.TaggedError<RequestFailed>()("RequestFailed", {
  tag: Schema.String,
  message: Schema.String
}) {}

/** Why a request was not answered. */
export type ProcessError = ProcessDied | ProcessBusy | RequestFailed

/** A request, and where what comes of it goes. */
export interface Request {
  readonly call: string
  readonly payload: unknown
  /** Milliseconds without a word after which the process counts as hung. */
  readonly patience: number | undefined
  readonly heard: (event: unknown) => void
  readonly settle: (outcome: Effect.Effect<unknown, ProcessError>) => void
}

/** Of requests in turn, so many are with the process: one at work, one that spares it waiting for the next. */
const AHEAD = 2
const MOST_WAITING = 512

/** `hung` is called when nothing has been heard for too long of a request that is worked on. */
export const makeRequests = (inTurn: boolean, hung: () => void) => {
  const open = new Map<number, Request>()
  const sent = new Set<number>()
  const alarms = new Map<number, Timer>()
  /** The way to the process, where there is one. */
  let send: ((message: ToProcess) => boolean) | undefined
  /** Why nothing is taken any more. */
  let ended: ProcessDied | undefined
  let asked = 0

  const atWork = () => [...sent].slice(0, inTurn ? 1 : undefined)
  // Requests that come meanwhile must not put an alarm off: only a word on its own request does.
  const heed = () => {
    for (const id of atWork()) {
      const patience = open.get(id)?.patience
      if (patience !== undefined && !alarms.has(id)) alarms.set(id, setTimeout(hung, patience))
    }
  }
  const disarm = (id: number) => {
    clearTimeout(alarms.get(id))
    alarms.delete(id)
  }
  /** Hands to the process what it may have now, in order. */
  const feed = () => {
    for (const [id, { call, payload }] of open) {
      if (send === undefined || (inTurn && sent.size >= AHEAD)) break
      if (sent.has(id)) continue
      // What cannot be sent any more goes to the next process.
      if (send({ kind: "request", id, call, payload })) sent.add(id)
      else send = undefined
    }
    heed()
  }
  const settle = (id: number, outcome: Effect.Effect<unknown, ProcessError>) => {
    const request = open.get(id)
    open.delete(id)
    sent.delete(id)
    disarm(id)
    request?.settle(outcome)
  }
  const fail = (ids: Iterable<number>, error: ProcessError) => {
    for (const id of [...ids]) settle(id, Effect.fail(error))
  }

  return {
    size: () => open.size,
    /** Takes a request on, or refuses it; what is returned gives it up. */
    add: (request: Request): (() => void) => {
      const busy = `${open.size} requests are waiting already.`
      const refusal = ended ?? (open.size >= MOST_WAITING ? new ProcessBusy({ message: busy }) : undefined)
      if (refusal !== undefined) {
        request.settle(Effect.fail(refusal))
        return () => {}
      }
      const id = ++asked
      open.set(id, request)
      feed()
      return () => {
        if (!sent.has(id)) return void open.delete(id)
        // One that the process has is its own until it says what became of it; what it still tells concerns nobody.
        open.set(id, { ...request, heard: () => {} })
        send?.({ kind: "cancel", id })
      }
    },
    /** A process is ready. */
    begin: (way: (message: ToProcess) => boolean) => {
      send = way
      feed()
    },
    /** The process tells of a request. */
    hear: (id: number, event: unknown) => {
      disarm(id)
      heed()
      open.get(id)?.heard(event)
    },
    /** The process has done with a request. */
    settle: (id: number, outcome: Effect.Effect<unknown, RequestFailed>) => {
      settle(id, outcome)
      feed()
    },
    /** The process has died: those that it worked on are lost, the others wait for the next one. */
    lose: (death: ProcessDied) => {
      const lost = atWork()
      send = undefined
      sent.clear()
      fail(lost, death)
    },
    /** No process can do them. */
    failAll: (error: ProcessError) => fail(open.keys(), error),
    /** There will be no other process. */
    end: (death: ProcessDied) => {
      send = undefined
      ended ??= death
      fail(open.keys(), death)
    }
  }
}
