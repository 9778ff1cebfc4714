import { Context, Effect, Layer, Option, Schema, Semaphore } from "effect"
import { Settings } from "../config/settings.ts"
import { programPath } from "../processes/programPath.ts"
import type { Answer, Kind, Payload } from "../processes/protocol.ts"
import { supervise } from "../processes/supervise.ts"
import { Store, type StoreError } from "../store/store.ts"
import { Current } from "./current.ts"
import { copyVersion, localCopyOf } from "./localCopy.ts"
import { Outages } from "./outages.ts"
import { type Heard, type HeardWhole, PATIENCE, Predicting } from "./protocols.ts"
import { Refusal, refuse } from "./refusal.ts"
import type { RecordingSpan } from "./spanSound.ts"
import type { Spooled } from "./spool.ts"

const PROGRAM = programPath("./predictorProgram.ts", import.meta.url)

/** Failures whose sentences clients may read, and their statuses. */
const FOR_CLIENTS: Readonly<Record<string, number>> = {
  NoRecording: 400,
  NoPredictions: 503,
  NoEmbedder: 503,
  NoSound: 404,
  TooLong: 413
}

/** A version that cannot be loaded or run; the one promoted before it may be. */
class UnusableVersion extends Schema.TaggedError<UnusableVersion>()("UnusableVersion", { message: Schema.String }) {}

/** Requests that may wait for each predictor: short clips take it some 20 ms each. */
const MOST_WAITING = 64
/** Milliseconds until a request is given up for which no predictor is there, or too many come first. */
const LONGEST_WAIT = 2 * PATIENCE
/** The same for a recording of an hour, which takes a core some 6 s. */
const LONGEST_HEARING = 600_000

/** Decodes and predicts in processes of its own; each request goes to the one with the least to do. */
export class Predictor extends Context.Service<
  Predictor,
  {
    /** What the version that is served now says of a recording. */
    readonly predict: (recording: Spooled) => Effect.Effect<Heard, Refusal | StoreError>
    /** What the version that is served now hears in all of a long recording, of an hour at most. */
    readonly hear: (recording: Spooled) => Effect.Effect<HeardWhole, Refusal | StoreError>
    /** A part of a field recording, as a WAV file. */
    readonly span: (part: typeof RecordingSpan.Type) => Effect.Effect<Uint8Array, Refusal>
    /** What sounds like a part of a field recording. */
    readonly alike: (part: typeof RecordingSpan.Type) => Effect.Effect<Answer<typeof Predicting, "alike">, Refusal>
    /** Seconds of sound, cut at CLIP_MAX_SECONDS; refuses what is no recording. */
    readonly inspect: (recording: Spooled) => Effect.Effect<number, Refusal>
    /** Refuses where as many wait as may: who asks ahead of reading a body need not read it. */
    readonly admit: Effect.Effect<void, Refusal>
    /** Loads the version that is promoted now, ahead of the first prediction, and copies it to this machine. */
    readonly warm: Effect.Effect<void>
    readonly deaths: () => number
    /** Requests that its processes have in hand or in their queues. */
    readonly waiting: () => number
  }
>()("ecosight/service/Predictor") {
  static readonly layer = Layer.effect(
    Predictor,
    Effect.gen(function* () {
      const store = yield* Store
      const copy = yield* localCopyOf(store.location)
      const current = yield* Current
      const { tried } = yield* Outages
      const { predictors } = yield* Settings
      // One that takes another's place begins with the version that is promoted by then.
      const processes = yield* Effect.forEach(Array.from({ length: predictors }), () =>
        supervise(Predicting, () => [process.execPath, PROGRAM, store.location, current.last() ?? ""], {
          restart: true
        })
      )
      const idlest = () => processes.reduce((best, other) => (other.waiting() < best.waiting() ? other : best))
      const admit = Effect.suspend(() => (idlest().waiting() < MOST_WAITING ? Effect.void : Effect.fail(busy)))

      const ask = <K extends Kind<typeof Predicting>>(
        call: K,
        payload: Payload<typeof Predicting, K>,
        process = idlest(),
        longest: number = LONGEST_WAIT
      ) =>
        process.ask(call, payload).pipe(
          Effect.timeoutOrElse({ duration: longest, orElse: () => Effect.fail(stopped) }),
          Effect.catchTags({
            ProcessDied: ({ message }) => Effect.andThen(Effect.logWarning(message), Effect.fail(stopped)),
            ProcessBusy: () => Effect.fail(busy),
            RequestFailed: ({ tag, message }) => {
              if (tag in FOR_CLIENTS) return Effect.fail(refuse(FOR_CLIENTS[tag]!, message))
              if (tag === "UnusableVersion") return Effect.fail(new UnusableVersion({ message }))
              return Effect.andThen(Effect.logError(message), Effect.fail(unusable))
            }
          })
        )

      const served = current.model.pipe(
        Effect.flatMap(
          Option.match({
            onNone: () => Effect.fail(refuse(503, "No model is loaded: train one first.")),
            onSome: ({ runId }) => Effect.succeed(runId)
          })
        )
      )
      /** Does something with the version that is served: where that turns out unusable, with the one that takes its place. */
      const withServed = <A>(use: (runId: string) => Effect.Effect<A, Refusal | UnusableVersion>) => {
        const attempt = (runId: string, before: ReadonlyArray<string>): Effect.Effect<A, Refusal | StoreError> =>
          use(runId).pipe(
            Effect.tap(tried("model")),
            Effect.catchTag("UnusableVersion", ({ message }) =>
              Effect.gen(function* () {
                yield* current.setAside(runId, message)
                const next = yield* served
                if (next !== runId && !before.includes(next)) return yield* attempt(next, [...before, runId])
                yield* tried("model", message)
                return yield* unusable
              })
            )
          )
        return Effect.flatMap(served, (runId) => attempt(runId, []))
      }

      const copying = yield* Semaphore.make(1)
      const hearing = yield* Semaphore.make(1)
      const warm = withServed((runId) =>
        Effect.as(
          Effect.forEach(processes, (process) => ask("load", { runId }, process), { concurrency: "unbounded" }),
          runId
        )
      ).pipe(
        Effect.flatMap((runId) => copying.withPermit(copyVersion(copy, runId))),
        Effect.provideService(Store, store),
        Effect.catch(({ message }) => Effect.logDebug(message))
      )

      return Predictor.of({
        predict: Effect.fn("Predictor.predict")(function* (recording) {
          yield* admit
          return yield* withServed((runId) => ask("predict", { runId, recording }))
        }),
        hear: Effect.fn("Predictor.hear")((recording) =>
          // One at a time: others are for what is short.
          withServed((runId) => ask("hear", { runId, recording }, idlest(), LONGEST_HEARING)).pipe(hearing.withPermit)
        ),
        // Without a version there is none that could be unusable.
        span: Effect.fn("Predictor.span")((part) =>
          Effect.andThen(admit, Effect.catchTag(ask("span", part), "UnusableVersion", Effect.die))
        ),
        alike: Effect.fn("Predictor.alike")((part) =>
          Effect.andThen(admit, Effect.catchTag(ask("alike", part), "UnusableVersion", Effect.die))
        ),
        inspect: Effect.fn("Predictor.inspect")((recording) =>
          Effect.andThen(admit, Effect.catchTag(ask("inspect", { recording }), "UnusableVersion", Effect.die))
        ),
        admit,
        warm,
        deaths: () => processes.reduce((sum, process) => sum + process.deaths(), 0),
        waiting: () => processes.reduce((sum, process) => sum + process.waiting(), 0)
      })
    })
  )
}

const unavailable = (detail: string) => new Refusal({ status: 503, detail, retryAfter: 1 })
const stopped = unavailable("The engine stopped while it worked on this; please try again.")
const busy = unavailable("Too many requests are waiting; please try again.")
const unusable = refuse(503, "The promoted model cannot be used at the moment.")
