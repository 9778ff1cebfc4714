import { type Effect, Schema } from "effect"

// The bookkeeping of a supervised process: which requests wait, which are with it, and which it works on.

/** The process that worked on the request has died; `how` is its signal or exit status. */
export class ProcessDied extends Schema.TaggedError<ProcessDied>()("ProcessDied", {
  how: Schema.String,
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

/** A request that is not answered yet. */
export interface Request {
  readonly id: number
  readonly call: string
  readonly payload: unknown
  /** Milliseconds without a word after which the process counts as hung. */
  readonly patience: number | undefined
  readonly heard: (event: unknown) => void
  readonly settle: (outcome: Effect.Effect<unknown, ProcessDied | RequestFailed>) => void
}

/** Of requests in turn, so many are with the process: one at work, one that spares it waiting for the next. */
const AHEAD = 2

/** `hung` is called when nothing has been heard for too long of a request that is worked on. */
export const makeRequests = (inTurn: boolean, hung: () => void) => {
  const open = new Map<number, Request>()
  const sent = new Set<number>()
  const alarms = new Map<number, Timer>()
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
  const remove = (id: number) => {
    const request = open.get(id)
    open.delete(id)
    sent.delete(id)
    disarm(id)
    heed()
    return request
  }
  const removeAll = (ids: Iterable<number>) => [...ids].map((id) => remove(id)!)

  return {
    size: () => open.size,
    add: (request: Request) => open.set(request.id, request),
    isSent: (id: number) => sent.has(id),
    /** Hands to the process what it may have now, in order, until `send` says that it takes no more. */
    feed: (send: (request: Request) => boolean) => {
      for (const request of open.values()) {
        if (inTurn && sent.size >= AHEAD) break
        if (sent.has(request.id)) continue
        if (!send(request)) break
        sent.add(request.id)
      }
      heed()
    },
    /** There is news of this request. */
    hear: (id: number) => {
      disarm(id)
      heed()
      return open.get(id)
    },
    remove,
    /** The process has died: those that it worked on are lost, the others wait for the next one. */
    lose: (): ReadonlyArray<Request> => {
      const lost = atWork()
      sent.clear()
      return removeAll(lost)
    },
    removeAll: (): ReadonlyArray<Request> => {
      sent.clear()
      return removeAll(open.keys())
    }
  }
}
