import { Context, Effect, Layer, Option } from "effect"
import { Settings } from "../config.ts"
import { programPath } from "../processes/programPath.ts"
import { Store, type StoreError } from "../store/store.ts"
import { superviseChild } from "./child.ts"
import { Current } from "./current.ts"
import type { EngineReply, EngineRequest } from "./messages.ts"
import { Refusal, refuse } from "./refusal.ts"

const PROGRAM = programPath("./predictorProgram.ts", import.meta.url)

/** Decodes and predicts in engine processes; each request goes to the one with the least to do. */
export class Predictor extends Context.Service<
  Predictor,
  {
    /** Probabilities by class, from the version that is promoted now. */
    readonly predict: (bytes: Uint8Array) => Effect.Effect<Readonly<Record<string, number>>, Refusal | StoreError>
    /** Seconds of sound, cut at CLIP_MAX_SECONDS; refuses what is no recording. */
    readonly inspect: (bytes: Uint8Array) => Effect.Effect<number, Refusal>
    /** Loads the version that is promoted now, ahead of the first prediction. */
    readonly warm: Effect.Effect<void>
    readonly deaths: () => number
  }
>()("ecosight/service/Predictor") {
  static readonly layer = Layer.effect(
    Predictor,
    Effect.gen(function* () {
      const { location } = yield* Store
      const current = yield* Current
      const { predictors } = yield* Settings
      const load = () => {
        const runId = current.last()
        return runId === undefined ? undefined : ({ kind: "load", runId } as const)
      }
      const children = yield* Effect.forEach(Array.from({ length: predictors }), () =>
        superviseChild<EngineRequest, EngineReply>([process.execPath, PROGRAM, location], load)
      )
      const idlest = () => children.reduce((best, child) => (child.waiting() < best.waiting() ? child : best))

      const ask = (request: EngineRequest, child = idlest()) =>
        child.ask(request).pipe(
          Effect.catchTags({
            ChildDied: ({ message }) =>
              Effect.logWarning(message).pipe(
                Effect.andThen(
                  Effect.fail(unavailable("The engine stopped while it worked on this; please try again."))
                )
              ),
            ChildBusy: () => Effect.fail(unavailable("Too many requests are waiting; please try again."))
          }),
          Effect.flatMap((reply) => {
            if (reply.kind === "refused") return Effect.fail(refuse(400, reply.reason))
            if (reply.kind === "failed") {
              return Effect.logError(reply.message).pipe(
                Effect.andThen(Effect.fail(refuse(503, "The promoted model cannot be used at the moment.")))
              )
            }
            return Effect.succeed(reply)
          })
        )

      const promoted = current.model.pipe(
        Effect.flatMap(
          Option.match({
            onNone: () => Effect.fail(refuse(503, "No model is loaded: train one first.")),
            onSome: ({ runId }) => Effect.succeed(runId)
          })
        )
      )

      return Predictor.of({
        predict: Effect.fn("Predictor.predict")(function* (bytes) {
          const reply = yield* ask({ kind: "predict", runId: yield* promoted, bytes })
          return reply.kind === "predicted" ? reply.probabilities : yield* Effect.die(reply)
        }),
        inspect: Effect.fn("Predictor.inspect")(function* (bytes) {
          const reply = yield* ask({ kind: "inspect", bytes })
          return reply.kind === "inspected" ? reply.seconds : yield* Effect.die(reply)
        }),
        warm: promoted.pipe(
          Effect.flatMap((runId) =>
            Effect.forEach(children, (child) => ask({ kind: "load", runId }, child), { concurrency: "unbounded" })
          ),
          Effect.ignore
        ),
        deaths: () => children.reduce((sum, child) => sum + child.deaths(), 0)
      })
    })
  )
}

const unavailable = (detail: string) => new Refusal({ status: 503, detail, retryAfter: 1 })
