import { Deferred, Effect, Schema } from "effect"
import { type Channel, runChild } from "./channel.ts"
import {
  type About,
  type Answer,
  decodeMessage,
  type Event,
  FromProcess,
  type Kind,
  type Payload,
  type Protocol,
  type ToProcess
} from "./protocol.ts"
import { makeRequests, ProcessBusy, ProcessDied, type ProcessError, type Request, RequestFailed } from "./requests.ts"

/** The process cannot start; `message` says why. */
export class ProcessUnusable extends Schema.TaggedError<ProcessUnusable>()("ProcessUnusable", {
  message: Schema.String
}) {}

/** A process that answers requests, as its owner has it. */
export interface Supervised<P extends Protocol> {
  /** What the process says of itself; fails where the first start does. */
  readonly about: Effect.Effect<About<P>, ProcessUnusable>
  /** Asks for something; `heard` gets what is told of it. Interrupting this cancels the request. */
  readonly ask: <K extends Kind<P>>(
    call: K,
    payload: Payload<P, K>,
    heard?: (event: Event<P, K>) => void
  ) => Effect.Effect<Answer<P, K>, ProcessError>
  /** Requests that are not answered yet. */
  readonly waiting: () => number
  /** How often it has died. */
  readonly deaths: () => number
}

export interface Supervision {
  /** Whether another process takes the place of one that dies; else its end is the end of all requests. */
  readonly restart: boolean
  /** Milliseconds until a restart, at most; they begin at 100 and double with every death without an answer between. */
  readonly longestPause?: number
}

const SHORTEST_PAUSE = 100
const LONGEST_PAUSE = 5_000
const MOST_WAITING = 512

/**
 * Keeps a Bun process running that answers requests (see `answer`), as long as the scope.
 *
 * A death costs the requests that the process worked on; the others go to the next process. `command` is asked for anew
 * at every start.
 */
export const supervise = Effect.fnUntraced(function* <P extends Protocol>(
  protocol: P,
  command: () => ReadonlyArray<string>,
  { restart, longestPause = LONGEST_PAUSE }: Supervision
) {
  const context = yield* Effect.context<never>()
  const first = yield* Deferred.make<About<P>, ProcessUnusable>()
  const requests = makeRequests(protocol.inTurn, () => channel?.kill())
  let channel: Channel | undefined
  let ready = false
  let ended: ProcessDied | undefined
  let asked = 0
  let deaths = 0
  let pause = SHORTEST_PAUSE

  const send = (message: ToProcess) => {
    ready &&= channel!.send(message)
    return ready
  }
  const feed = () => {
    if (ready) requests.feed(({ id, call, payload }) => send({ kind: "request", id, call, payload }))
  }
  const fail = (those: ReadonlyArray<Request>, error: ProcessDied | RequestFailed) => {
    for (const { settle } of those) settle(Effect.fail(error))
  }

  const begin = Effect.fnUntraced(function* (about: unknown) {
    yield* Deferred.succeed(first, yield* decodeMessage("What it is", protocol.about, about))
    ready = true
    feed()
  })
  const giveUp = Effect.fnUntraced(function* (message: string) {
    yield* Deferred.fail(first, new ProcessUnusable({ message }))
    fail(requests.removeAll(), new RequestFailed({ tag: "Unusable", message }))
    channel?.close()
  })
  const hear = (message: FromProcess) => {
    if (message.kind === "ready") return Effect.catch(begin(message.about), (error) => giveUp(error.message))
    if (message.kind === "unusable") return giveUp(message.message)
    return Effect.sync(() => {
      pause = SHORTEST_PAUSE
      if (message.kind === "event") return requests.hear(message.id)?.heard(message.event)
      const outcome =
        message.kind === "answer" ? Effect.succeed(message.answer) : Effect.fail(new RequestFailed(message))
      requests.remove(message.id)?.settle(outcome)
      return feed()
    })
  }
  /** Decodes what the process has said, and does something with it. */
  const understand = <A>(
    what: string,
    schema: Schema.ConstraintCodec<A, unknown>,
    message: unknown,
    use: (known: A) => Effect.Effect<void>
  ) =>
    Effect.runSyncWith(context)(
      decodeMessage(what, schema, message).pipe(
        Effect.flatMap(use),
        Effect.catch((error) => Effect.logError(`The ${protocol.name} process is not understood.`, error))
      )
    )

  /** A process from its start to its death, and what that costs. */
  const once = Effect.gen(function* () {
    const how = yield* runChild(
      command(),
      (opened) => {
        channel = opened
      },
      (message) => understand("A message", FromProcess, message, hear)
    )
    ready = false
    deaths++
    const message = `The ${protocol.name} process ended (${how}).`
    const death = new ProcessDied({ how, message })
    yield* Deferred.fail(first, new ProcessUnusable({ message }))
    if (!restart) ended = death
    fail(restart ? requests.lose() : requests.removeAll(), death)
  })
  const rest = Effect.suspend(() => {
    const time = pause
    pause = Math.min(2 * pause, longestPause)
    return Effect.sleep(time)
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      ended = new ProcessDied({ how: "its owner ended it", message: `The ${protocol.name} process is gone.` })
      fail(requests.removeAll(), ended)
    })
  )
  yield* Effect.forkScoped(restart ? Effect.forever(Effect.andThen(once, rest)) : once)

  const ask = <K extends Kind<P>>(
    name: K,
    payload: Payload<P, K>,
    heard: (event: Event<P, K>) => void = () => {}
  ): Effect.Effect<Answer<P, K>, ProcessError> => {
    const call = protocol.calls[name]!
    const request = (encoded: unknown) =>
      Effect.callback<unknown, ProcessError>((settle) => {
        if (ended !== undefined) return settle(Effect.fail(ended))
        if (requests.size() >= MOST_WAITING) {
          return settle(Effect.fail(new ProcessBusy({ message: `${requests.size()} requests are waiting already.` })))
        }
        const id = ++asked
        requests.add({
          id,
          call: name,
          payload: encoded,
          patience: call.patience,
          heard: (event) =>
            understand(`What is told of "${name}"`, call.event, event, (known) => Effect.sync(() => heard(known))),
          settle
        })
        feed()
        return Effect.sync(() => {
          // One that the process has is its own until it says what became of it.
          if (requests.isSent(id)) send({ kind: "cancel", id })
          else requests.remove(id)
        })
      })
    return Schema.encodeEffect(call.payload)(payload).pipe(
      Effect.orDie,
      Effect.flatMap(request),
      Effect.flatMap((answer) => decodeMessage(`The answer to "${name}"`, call.answer, answer)),
      Effect.tapErrorTag("ProtocolError", (error) => Effect.logError(error)),
      Effect.catchTag("ProtocolError", ({ _tag: tag, message }) => Effect.fail(new RequestFailed({ tag, message })))
    )
  }
  const supervised: Supervised<P> = {
    about: Deferred.await(first),
    ask,
    waiting: requests.size,
    deaths: () => deaths
  }
  return supervised
})
