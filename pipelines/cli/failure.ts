import { Cause, Console, Effect, Exit } from "effect"

/**
 * With `--json`, prints an object for a command that does not come to its result, too: `status` "failed" or "cancelled",
 * and the `reason`. The failure goes on.
 */
export const tellFailure =
  (json: boolean) =>
  <A, E, R>(command: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    command.pipe(
      Effect.onExit((exit) => {
        if (!json || Exit.isSuccess(exit)) return Effect.void
        const outcome = Cause.hasInterruptsOnly(exit.cause)
          ? { status: "cancelled", reason: "It was stopped before its end." }
          : { status: "failed", reason: reasonOf(Cause.squash(exit.cause)) }
        return Console.log(JSON.stringify(outcome))
      })
    )

// Some errors of commands carry their sentence as a cause.
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== "") return error.message
  return error.cause === undefined ? error.name : reasonOf(error.cause)
}
