import { Cause, Clock, Effect, Layer, Logger, Predicate, References } from "effect"
import { SqlClient, SqlError } from "effect/sql"

// effect/cluster asks the database several times a second, and tells of each time that it does not answer.

/** Between two looks whether the database answers, while it is in doubt. */
const LOOK = "1 second"
/** A database that takes longer than this does not answer. */
const PATIENCE = "3 seconds"
/** Milliseconds from its return for which effect/cluster may tell of locks that it gives back and takes anew. */
const AFTERMATH = 15_000

/** Whether an error, or what it was caused by, is a connection that failed. */
const isConnection = (error: unknown): boolean =>
  (SqlError.isSqlError(error) && error.reason._tag === "ConnectionError") ||
  (Predicate.hasProperty(error, "cause") && isConnection(error.cause))

const isAbsence = ({ message, cause }: Logger.Options<unknown>): boolean =>
  cause.reasons.some(
    (reason) =>
      (Cause.isFailReason(reason) && isConnection(reason.error)) ||
      (Cause.isDieReason(reason) && isConnection(reason.defect))
  ) || [message].flat().some((part) => typeof part === "string" && part.startsWith("Shard lock storage "))

const isOfCluster = ({ fiber }: Logger.Options<unknown>): boolean => {
  const { package: name, module } = fiber.getRef(References.CurrentLogAnnotations)
  return name === "@effect/cluster" || String(module).startsWith("effect/cluster")
}

/**
 * Says once that the database does not answer, and once that it does again; what effect/cluster and retries would say of
 * it meanwhile, and right after, is left out. A connection that was cut and made anew is not worth a word.
 */
export const quietAbsence = Layer.effect(
  Logger.CurrentLoggers,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const loggers = yield* Logger.CurrentLoggers
    let isInDoubt = false
    let isAway = false
    let quietUntil = 0

    const answers = sql`SELECT 1`.pipe(Effect.timeout(PATIENCE), Effect.isSuccess)
    const look = Effect.gen(function* () {
      if (!isInDoubt) return
      if (!(yield* answers)) {
        if (!isAway) yield* Effect.logWarning("The database does not answer; waiting for it.")
        isAway = true
        return
      }
      if (isAway) {
        yield* Effect.logInfo("The database answers again.")
        quietUntil = (yield* Clock.currentTimeMillis) + AFTERMATH
      }
      isInDoubt = false
      isAway = false
    })
    yield* look.pipe(Effect.delay(LOOK), Effect.forever, Effect.forkScoped)

    return new Set(
      [...loggers].map((logger) =>
        Logger.make((options) => {
          const isTroubled = isInDoubt || options.date.getTime() < quietUntil
          if (isAbsence(options)) isInDoubt = true
          else if (!isTroubled || !isOfCluster(options)) logger.log(options)
        })
      )
    )
  })
)
