import { Context, Effect, Layer, Option, Schema, Semaphore } from "effect"
import { Settings } from "../config/settings.ts"
import { programPath } from "../processes/programPath.ts"
import type { Answer, Kind, Payload } from "../processes/protocol.ts"
import { supervise } from "../processes/supervise.ts"
import { Store, type StoreError } from "../store/store.ts"
import { Current } from "./current.ts"
import { copyVersion, localCopyOf } from "./localCopy.ts"
import { Outages } from "./outages.ts"
import { type ClipProbabilities, type HeardWhole, PATIENCE, Predicting } from "./protocols.ts"
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

/** Nothing was heard of a request for too long: of what it is about, something goes on for ever. */
class Hung extends Schema.TaggedError<Hung>()("Hung", {}) {}

/** Requests that may wait for each predictor: short clips take it some 20 ms each. */
const MOST_WAITING = 64
/** Milliseconds until a version that went on for ever is asked again, twice as long each time, up to the second. */
const HANG_PAUSE = 60_000
const LONGEST_HANG_PAUSE = 3_600_000
/** Milliseconds until a request is given up for which no predictor is there, or too many come first. */
const LONGEST_WAIT = 2 * PATIENCE
/** The same for a recording of an hour, which takes a core some 6 s. */
const LONGEST_HEARING = 600_000

/** An answer, and the version that gave it: by the time that it is told, another may be served. */
type Answered<A> = A & { readonly runId: string }

/** Decodes and predicts in processes of its own; each request goes to the one with the least to do. */
export class Predictor extends Context.Service<
  Predictor,
  {
    /** What the version that is served now says of a recording. */
    readonly predict: (recording: Spooled) => Effect.Effect<Answered<ClipProbabilities>, Refusal | StoreError>
    /** What the version that is served now hears in all of a long recording, of an hour at most. */
    readonly hear: (recording: Spooled) => Effect.Effect<Answered<HeardWhole>, Refusal | StoreError>
    /** A part of a field recording, as a WAV file. */
    readonly span: (part: typeof RecordingSpan.Type) => Effect.Effect<Uint8Array, Refusal>
    /** What sounds like a part of a field recording. */
    readonly alike: (part: typeof RecordingSpan.Type) => Effect.Effect<Answer<typeof Predicting, "alike">, Refusal>
    /** Seconds of sound, cut at CLIP_MAX_SECONDS; refuses what is no recording. */
    readonly inspect: (recording: Spooled) => Effect.Effect<number, Refusal>
    /** The same as a scan reads it, which takes what is whole of a damaged recording. */
    readonly inspectField: (recording: Spooled) => Effect.Effect<number, Refusal>
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
            ProcessDied: ({ hung, message }) =>
              Effect.andThen(Effect.logWarning(message), Effect.fail(hung ? new Hung() : stopped)),
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

      // Without a version there is none that could be unusable.
      const decode = (recording: Spooled, call: "inspect" | "inspectField" = "inspect") =>
        ask(call, { recording }).pipe(
          Effect.catchTags({ UnusableVersion: Effect.die, Hung: () => Effect.fail(stopped) })
        )

      const hangs = makeHangs()
      const copying = yield* Semaphore.make(1)
      const hearing = yield* Semaphore.make(1)
      const warm = withServed((runId) =>
        Effect.as(
          Effect.forEach(
            processes,
            (process) => Effect.catchTag(ask("load", { runId }, process), "Hung", () => hangs.note(runId)),
            { concurrency: "unbounded" }
          ),
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
          return yield* withServed((runId) =>
            hangs.isKnown(runId)
              ? Effect.fail(hanging(runId))
              : ask("predict", { runId, recording }).pipe(
                  // What decodes is not at fault.
                  Effect.catchTag("Hung", () => Effect.andThen(decode(recording), hangs.note(runId))),
                  Effect.map((heard) => ({ ...heard, runId }))
                )
          )
        }),
        hear: Effect.fn("Predictor.hear")((recording) =>
          // One at a time: others are for what is short.
          withServed((runId) =>
            ask("hear", { runId, recording }, idlest(), LONGEST_HEARING).pipe(
              Effect.catchTag("Hung", () => Effect.fail(stopped)),
              Effect.map((heard) => ({ ...heard, runId }))
            )
          ).pipe(hearing.withPermit)
        ),
        // Without a version there is none that could be unusable.
        span: Effect.fn("Predictor.span")((part) =>
          Effect.andThen(
            admit,
            ask("span", part).pipe(Effect.catchTags({ UnusableVersion: Effect.die, Hung: () => Effect.fail(stopped) }))
          )
        ),
        alike: Effect.fn("Predictor.alike")((part) =>
          Effect.andThen(
            admit,
            // Always the same process, which keeps the vectors that it has read.
            ask("alike", part, processes[0]!, LONGEST_HEARING).pipe(
              Effect.catchTags({ UnusableVersion: Effect.die, Hung: () => Effect.fail(stopped) })
            )
          )
        ),
        inspect: Effect.fn("Predictor.inspect")((recording) => Effect.andThen(admit, decode(recording))),
        inspectField: Effect.fn("Predictor.inspectField")((recording) =>
          Effect.andThen(admit, decode(recording, "inspectField"))
        ),
        admit,
        warm,
        deaths: () => processes.reduce((sum, process) => sum + process.deaths(), 0),
        waiting: () => processes.reduce((sum, process) => sum + process.waiting(), 0)
      })
    })
  )
}

/** Remembers which versions go on for ever: each costs a process and half a minute to find out, and is not asked again soon. */
const makeHangs = () => {
  const known = new Map<string, { readonly pause: number; readonly until: number }>()
  return {
    isKnown: (runId: string) => (known.get(runId)?.until ?? 0) > performance.now(),
    note: (runId: string) => {
      const pause = Math.min(2 * (known.get(runId)?.pause ?? HANG_PAUSE / 2), LONGEST_HANG_PAUSE)
      known.set(runId, { pause, until: performance.now() + pause })
      return Effect.fail(hanging(runId))
    }
  }
}

const hanging = (runId: string) =>
  new UnusableVersion({ message: `The model of ${runId} did not answer within ${PATIENCE / 1000} s.` })
const unavailable = (detail: string) => new Refusal({ status: 503, detail, retryAfter: 1 })
const stopped = unavailable("The engine stopped while it worked on this; please try again.")
const busy = unavailable("Too many requests are waiting; please try again.")
const unusable = refuse(503, "The promoted model cannot be used at the moment.")
