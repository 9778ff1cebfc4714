import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Fiber, FiberMap, Schema, type Scope, Semaphore } from "effect"
import {
  type About,
  type Answer,
  decodeMessage,
  type Event,
  type FromProcess,
  type Kind,
  type Payload,
  type Protocol,
  ProtocolError,
  ToProcess
} from "./protocol.ts"

// A program that another process starts and talks with: see `supervise` for that one's side.

/** What a program does on each kind of request; `tell` tells its owner how it goes. A failure reaches the owner. */
export type Handlers<P extends Protocol> = {
  readonly [K in Kind<P>]: (
    payload: Payload<P, K>,
    tell: (event: Event<P, K>) => Effect.Effect<void>
  ) => Effect.Effect<Answer<P, K>, Failure, unknown>
}

interface Failure {
  readonly _tag: string
  readonly message: string
}

type ServicesOf<H> = H[keyof H] extends (...given: never) => infer Work ? Effect.Services<Work> : never

/** After its owner has gone, a program that does not come to its end is ended. */
const GRACE = 10_000

/**
 * Says that the program is ready, and answers its owner's requests until it is interrupted, which interrupts them: before
 * the services end that they use.
 */
export const answer = Effect.fnUntraced(function* <P extends Protocol, H extends Handlers<P>>(
  protocol: P,
  about: About<P>,
  handlers: H
) {
  const working = yield* FiberMap.make<number>()
  const run = yield* FiberMap.runtime(working)<ServicesOf<H>>()
  const turn = protocol.inTurn ? (yield* Semaphore.make(1)).withPermit : <A>(work: A): A => work

  const handle = Effect.fnUntraced(function* (id: number, name: string, payload: unknown) {
    const call = protocol.calls[name]
    const handler = handlers[name as Kind<P>]
    if (call === undefined) return yield* new ProtocolError({ message: `The ${protocol.name} knows no "${name}".` })
    const tellEvent = (event: unknown) =>
      Schema.encodeEffect(call.event)(event).pipe(
        Effect.orDie,
        Effect.flatMap((encoded) => tell({ kind: "event", id, event: encoded }))
      )
    const given = yield* decodeMessage(`What the ${protocol.name} is asked`, call.payload, payload)
    const work: Effect.Effect<unknown, Failure, unknown> = handler(given as Payload<P, Kind<P>>, tellEvent)
    const answered = yield* work as Effect.Effect<unknown, Failure, ServicesOf<H>>
    return yield* Effect.orDie(Schema.encodeEffect(call.answer)(answered))
  })

  const receive = (message: ToProcess) => {
    const { id } = message
    if (message.kind === "cancel") return void Effect.runFork(FiberMap.remove(working, id))
    const reply = handle(id, message.call, message.payload).pipe(
      Effect.exit,
      Effect.flatMap((exit) =>
        tell(
          Exit.isSuccess(exit)
            ? { kind: "answer", id, answer: exit.value }
            : { kind: "failure", id, ...why(exit.cause) }
        )
      ),
      turn,
      // Waiting for its turn, too.
      Effect.onInterrupt(() => tell({ kind: "failure", id, tag: "Cancelled", message: "Cancelled." }))
    )
    run(id, reply)
  }
  const context = yield* Effect.context<never>()
  const listen = (message: unknown) =>
    Effect.runSyncWith(context)(
      decodeMessage(`What the ${protocol.name} hears`, ToProcess, message).pipe(
        Effect.map(receive),
        Effect.catch(({ message }) => Effect.logError(message))
      )
    )
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("message", listen)),
    () => Effect.sync(() => process.off("message", listen))
  )
  yield* tell({ kind: "ready", about: yield* Effect.orDie(Schema.encodeEffect(protocol.about)(about)) })
  return yield* Effect.never
}, Effect.scoped)

/** A defect is told like a failure: whoever asked decides what it is worth. */
const why = (cause: Cause.Cause<Failure>) => {
  const error = Cause.squash(cause)
  if (!Cause.hasFails(cause)) return { tag: "Defect", message: error instanceof Error ? error.message : String(error) }
  const { _tag: tag, message } = error as Failure
  return { tag, message }
}

const tell = (message: FromProcess) =>
  Effect.sync(() => {
    // An owner that has gone ends this process.
    if (process.connected) process.send?.(message)
  })

/**
 * Runs a program that `answer`s, until its owner closes the channel or dies: then what it does is interrupted, and the
 * process ends. A program that fails tells its owner why it cannot be used.
 *
 * Signals to end are for the owner, who decides what becomes of this process; a terminal sends them to both.
 */
export const runProgram = <E extends { readonly message: string }>(
  program: Effect.Effect<never, E, Scope.Scope | NodeServices.NodeServices>
): void => {
  if (process.send === undefined) {
    console.error("This program is started by another one, which talks with it.")
    process.exit(2)
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {})
  const fiber = Effect.runFork(
    program.pipe(
      Effect.scoped,
      Effect.catch(({ message }) => tell({ kind: "unusable", message })),
      Effect.catchCause((cause) => tell({ kind: "unusable", message: String(Cause.squash(cause)) })),
      // Its owner ends it, once it has heard.
      Effect.andThen(Effect.never),
      Effect.provide(NodeServices.layer)
    )
  )
  fiber.addObserver(() => process.exit(0))
  const leave = () => {
    setTimeout(() => process.exit(1), GRACE)
    Effect.runFork(Fiber.interrupt(fiber))
  }
  process.on("disconnect", leave)
  if (!process.connected) leave()
}
