import { Context, Effect, Layer } from "effect"
import { programPath } from "../processes/programPath.ts"
import { supervise } from "../processes/supervise.ts"
import type { ReviewStep } from "../review/review.ts"
import { Store } from "../store/store.ts"
import { Reviewing } from "./protocols.ts"

const PROGRAM = programPath("./reviewProgram.ts", import.meta.url)

/** Reviews of the recordings: each in a process of its own, one at a time. */
export class Reviews extends Context.Service<
  Reviews,
  {
    /** Begins one; false where one is under way. */
    readonly start: Effect.Effect<boolean>
    /** How far the one under way is, in words; undefined where there is none. */
    readonly progress: () => string | undefined
    /** Why the last one failed, as a sentence; undefined where it did not. */
    readonly failure: () => string | undefined
  }
>()("ecosight/service/Reviews") {
  static readonly layer = Layer.effect(
    Reviews,
    Effect.gen(function* () {
      const { location } = yield* Store
      const scope = yield* Effect.scope
      let running = false
      let progress = ""
      let failure: string | undefined

      const review = supervise(Reviewing, () => [process.execPath, PROGRAM, location], { restart: false }).pipe(
        Effect.flatMap(({ ask }) =>
          ask("review", undefined, (step) => {
            progress = inWords(step)
          })
        ),
        Effect.scoped,
        Effect.matchEffect({
          onSuccess: () => Effect.void,
          onFailure: ({ message }) => {
            // What names the store is for the log.
            failure = message.replaceAll(location, "The store")
            return Effect.logWarning(`The review failed: ${message}`)
          }
        }),
        Effect.ensuring(
          Effect.sync(() => {
            running = false
          })
        )
      )
      return Reviews.of({
        start: Effect.suspend(() => {
          if (running) return Effect.succeed(false)
          running = true
          progress = ""
          failure = undefined
          return Effect.as(Effect.forkIn(review, scope, { startImmediately: true }), true)
        }),
        progress: () => (running ? progress : undefined),
        failure: () => failure
      })
    })
  )
}

const inWords = ({ stage, unit, done, total }: ReviewStep): string => `${stage}: ${done} of ${total} ${unit}`
