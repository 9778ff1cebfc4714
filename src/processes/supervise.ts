import { Deferred, Effect, Fiber, Schema } from "effect"
import { type Channel, runChild } from "./channel.ts"
import {
  type About,
  type Answer,
  decodeMessage,
  type Event,
  FromProcess,
  type Kind,
  type Payload,
  type Protocol
} from "./protocol.ts"
import { makeRequests, ProcessDied, type ProcessError, RequestFailed } from "./requests.ts"

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
  /** Ends it for good, ahead of the scope. */
  readonly end: Effect.Effect<void>
}

export interface Supervision {
  /** Whether another process takes the place of one that dies; else its end is the end of all requests. */
  readonly restart: boolean
  /** Milliseconds until a restart, at most; they begin at 100 and double with every death without an answer between. */
  readonly longestPause?: number
}

const SHORTEST_PAUSE = 100
const LONGEST_PAUSE = 5_000
/** The same for one that cannot start: what it lacks takes somebody to put right. */
const LONGEST_PAUSE_UNUSABLE = 60_000

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
  let channel: Channel | undefined
  let hung = false
  const requests = makeRequests(protocol.inTurn, () => {
    hung = true
    channel?.kill()
  })
  let deaths = 0
  let pause = SHORTEST_PAUSE
  /** Why the last process could not start. */
  let lacks: string | undefined

  const begin = Effect.fnUntraced(function* (about: unknown) {
    yield* Deferred.succeed(first, yield* decodeMessage("What it is", protocol.about, about))
    lacks = undefined
    requests.begin(channel!.send)
  })
  const giveUp = Effect.fnUntraced(function* (message: string) {
    yield* Deferred.fail(first, new ProcessUnusable({ message }))
    lacks = message
    requests.failAll(new RequestFailed({ tag: "Unusable", message }))
    channel?.close()
  })
  const hear = (message: FromProcess) => {
    if (message.kind === "ready") return Effect.catch(begin(message.about), (error) => giveUp(error.message))
    if (message.kind === "unusable") return giveUp(message.message)
    return Effect.sync(() => {
      pause = SHORTEST_PAUSE
      if (message.kind === "event") requests.hear(message.id, message.event)
      else if (message.kind === "answer") requests.settle(message.id, Effect.succeed(message.answer))
      else requests.settle(message.id, Effect.fail(new RequestFailed(message)))
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
        Effect.catch(({ message }) => Effect.logError(`The ${protocol.name} process is not understood. ${message}`))
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
    deaths++
    const message = `The ${protocol.name} process ended (${hung ? "it hung" : how}).`
    yield* Deferred.fail(first, new ProcessUnusable({ message }))
    const death = new ProcessDied({ how, hung, message })
    hung = false
    if (restart) requests.lose(death)
    else requests.end(death)
  })
  const rest = Effect.suspend(() => {
    const time = pause
    const longest = lacks === undefined ? longestPause : Math.max(longestPause, LONGEST_PAUSE_UNUSABLE)
    pause = Math.min(2 * pause, longest)
    return lacks === undefined
      ? Effect.sleep(time)
      : Effect.andThen(
          Effect.logWarning(`The ${protocol.name} cannot start: ${lacks} It is tried again in ${time / 1000} s.`),
          Effect.sleep(time)
        )
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() =>
      requests.end(
        new ProcessDied({ how: "its owner ended it", hung: false, message: `The ${protocol.name} process is gone.` })
      )
    )
  )
  const keeping = yield* Effect.forkScoped(restart ? Effect.forever(Effect.andThen(once, rest)) : once)

  const ask = Effect.fnUntraced(
    function* <K extends Kind<P>>(name: K, payload: Payload<P, K>, heard: (event: Event<P, K>) => void = () => {}) {
      const call = protocol.calls[name]!
      const encoded = yield* Effect.orDie(Schema.encodeEffect(call.payload)(payload))
      const told = (event: unknown) =>
        understand(`What is told of "${name}"`, call.event, event, (known) => Effect.sync(() => heard(known)))
      const answer = yield* Effect.callback<unknown, ProcessError>((settle) => {
        const giveUp = requests.add({ call: name, payload: encoded, patience: call.patience, heard: told, settle })
        return Effect.sync(giveUp)
      })
      const known: Answer<P, K> = yield* decodeMessage(`The answer to "${name}"`, call.answer, answer)
      return known
    },
    Effect.tapErrorTag("ProtocolError", ({ message }) => Effect.logError(message)),
    Effect.catchTag("ProtocolError", ({ _tag: tag, message }) => Effect.fail(new RequestFailed({ tag, message })))
  )
  const supervised: Supervised<P> = {
    about: Deferred.await(first),
    ask,
    waiting: requests.size,
    deaths: () => deaths,
    end: Fiber.interrupt(keeping)
  }
  return supervised
})
