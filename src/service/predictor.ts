import { Context, Effect, Layer, Option } from "effect"
import { Settings } from "../config/settings.ts"
import { programPath } from "../processes/programPath.ts"
import type { Kind, Payload } from "../processes/protocol.ts"
import { supervise } from "../processes/supervise.ts"
import { Store, type StoreError } from "../store/store.ts"
import { Current } from "./current.ts"
import { type Heard, PATIENCE, Predicting } from "./protocols.ts"
import { Refusal, refuse } from "./refusal.ts"

const PROGRAM = programPath("./predictorProgram.ts", import.meta.url)

/** Failures whose sentences clients may read, and their statuses. */
const FOR_CLIENTS: Readonly<Record<string, number>> = { NoRecording: 400, NoPredictions: 503 }

/** Milliseconds until a request is given up for which no predictor is there, or too many come first. */
const LONGEST_WAIT = 2 * PATIENCE

/** Decodes and predicts in processes of its own; each request goes to the one with the least to do. */
export class Predictor extends Context.Service<
  Predictor,
  {
    /** What the version that is promoted now says of a recording. */
    readonly predict: (bytes: Uint8Array) => Effect.Effect<Heard, Refusal | StoreError>
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
      // One that takes another's place begins with the version that is promoted by then.
      const processes = yield* Effect.forEach(Array.from({ length: predictors }), () =>
        supervise(Predicting, () => [process.execPath, PROGRAM, location, current.last() ?? ""], { restart: true })
      )
      const idlest = () => processes.reduce((best, other) => (other.waiting() < best.waiting() ? other : best))

      const ask = <K extends Kind<typeof Predicting>>(
        call: K,
        payload: Payload<typeof Predicting, K>,
        process = idlest()
      ) =>
        process.ask(call, payload).pipe(
          Effect.timeoutOrElse({ duration: LONGEST_WAIT, orElse: () => Effect.fail(stopped) }),
          Effect.catchTags({
            ProcessDied: ({ message }) => Effect.andThen(Effect.logWarning(message), Effect.fail(stopped)),
            ProcessBusy: () => Effect.fail(unavailable("Too many requests are waiting; please try again.")),
            RequestFailed: ({ tag, message }) =>
              tag in FOR_CLIENTS
                ? Effect.fail(refuse(FOR_CLIENTS[tag]!, message))
                : Effect.andThen(
                    Effect.logError(message),
                    Effect.fail(refuse(503, "The promoted model cannot be used at the moment."))
                  )
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
          return yield* ask("predict", { runId: yield* promoted, bytes })
        }),
        inspect: Effect.fn("Predictor.inspect")((bytes) => ask("inspect", { bytes })),
        warm: promoted.pipe(
          Effect.flatMap((runId) =>
            Effect.forEach(processes, (process) => ask("load", { runId }, process), { concurrency: "unbounded" })
          ),
          Effect.ignore
        ),
        deaths: () => processes.reduce((sum, process) => sum + process.deaths(), 0)
      })
    })
  )
}

const unavailable = (detail: string) => new Refusal({ status: 503, detail, retryAfter: 1 })
const stopped = unavailable("The engine stopped while it worked on this; please try again.")
