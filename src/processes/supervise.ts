import { Deferred, Effect, Schema } from "effect"
import { childEnvironment } from "../config.ts"
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
import { makeRequests, ProcessBusy, ProcessDied, type ProcessError, RequestFailed } from "./requests.ts"

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
/** A process that is to end gets so many milliseconds to finish what it must: a run writes its record. */
const GRACE = 10_000

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
  const requests = makeRequests(protocol.inTurn, () => current?.kill("SIGKILL"))
  let current: Bun.Subprocess | undefined
  let ready = false
  let ended: ProcessDied | undefined
  let asked = 0
  let deaths = 0
  let pause = SHORTEST_PAUSE

  const send = (message: ToProcess) => {
    ready &&= deliver(current!, message)
    return ready
  }
  const feed = () => {
    if (ready) requests.feed(({ id, call, payload }) => send({ kind: "request", id, call, payload }))
  }

  const hear = Effect.fnUntraced(function* (own: Bun.Subprocess, message: FromProcess) {
    switch (message.kind) {
      case "ready":
        ready = true
        yield* Deferred.succeed(first, yield* decodeMessage("What it is", protocol.about, message.about))
        break
      case "unusable":
        yield* Deferred.fail(first, new ProcessUnusable({ message: message.message }))
        for (const { settle } of requests.removeAll()) {
          settle(Effect.fail(new RequestFailed({ tag: "Unusable", message: message.message })))
        }
        own.disconnect()
        return
      case "event":
        requests.hear(message.id)?.heard(message.event)
        break
      case "answer":
        requests.remove(message.id)?.settle(Effect.succeed(message.answer))
        break
      case "failure":
        requests.remove(message.id)?.settle(Effect.fail(new RequestFailed(message)))
    }
    if (message.kind !== "ready") pause = SHORTEST_PAUSE
    feed()
  })
  const run = (effect: Effect.Effect<void, { readonly message: string }>) =>
    Effect.runSyncWith(context)(
      Effect.catch(effect, (error) => Effect.logError(`The ${protocol.name} process is not understood.`, error))
    )

  /** A process from its start to its death; how it died. */
  const live = Effect.callback<string>((resume) => {
    const own = Bun.spawn([...command()], {
      env: childEnvironment(),
      stdio: ["ignore", "inherit", "inherit"],
      serialization: "advanced",
      ipc: (message) => {
        // A reply may come after the news of the death: by then its request has been settled or goes elsewhere.
        if (own !== current) return
        run(Effect.flatMap(decodeMessage("A message", FromProcess, message), (known) => hear(own, known)))
      },
      onExit: (_, code, signal) => resume(Effect.succeed(signal === null ? `exit status ${code}` : `signal ${signal}`))
    })
    current = own
    return Effect.promise(() => end(own, ready))
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        current = undefined
        ready = false
      })
    )
  )

  const died = Effect.fnUntraced(function* (how: string) {
    deaths++
    const message = `The ${protocol.name} process ended (${how}).`
    const death = new ProcessDied({ how, message })
    yield* Deferred.fail(first, new ProcessUnusable({ message }))
    if (!restart) ended = death
    for (const { settle } of restart ? requests.lose() : requests.removeAll()) settle(Effect.fail(death))
  })
  const rest = Effect.suspend(() => {
    const time = pause
    pause = Math.min(2 * pause, longestPause)
    return Effect.sleep(time)
  })
  const once = Effect.flatMap(live, died)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      ended = new ProcessDied({ how: "its owner ended it", message: `The ${protocol.name} process is gone.` })
      for (const { settle } of requests.removeAll()) settle(Effect.fail(ended))
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
          heard: (event) => run(Effect.map(decodeMessage(`What is told of "${name}"`, call.event, event), heard)),
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
      Effect.catchTag("ProtocolError", ({ _tag: tag, message }) =>
        Effect.andThen(Effect.logError(message), Effect.fail(new RequestFailed({ tag, message })))
      )
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

// The channel closes before the news of the death comes: what cannot be sent now goes to the next process.
const deliver = (process: Bun.Subprocess, message: ToProcess): boolean => {
  try {
    process.send(message)
    return true
  } catch {
    return false
  }
}

/** Ends a process by closing the channel; one that is not ready yet has nothing to finish. */
const end = async (process: Bun.Subprocess, isReady: boolean): Promise<void> => {
  if (isReady) process.disconnect()
  else process.kill("SIGKILL")
  const patience = setTimeout(() => process.kill("SIGKILL"), GRACE)
  await process.exited
  clearTimeout(patience)
}
