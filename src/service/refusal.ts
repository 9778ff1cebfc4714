import { Cause, Effect, Schema } from "effect"
import { ValidationError } from "elysia"
import { codeOf } from "../store/folder-error.ts"
import { StoreError } from "../store/store.ts"

/** A request that gets another answer than 2xx: its status, and one sentence for the client. */
export class Refusal extends Schema.TaggedError<Refusal>()("Refusal", {
  status: Schema.Int,
  detail: Schema.String,
  /** Seconds after which the client may try again. */
  retryAfter: Schema.optionalKey(Schema.Int),
  /** The methods that the path has. */
  allowed: Schema.optionalKey(Schema.Array(Schema.String))
}) {}

/** Seconds after which to ask again where the store is away. */
const STORE_PAUSE = 10

export const refuse = (status: number, detail: string): Refusal => new Refusal({ status, detail })

const STORE_STATUS = { missing: 404, conflict: 409, denied: 503, unreachable: 503, full: 507, invalid: 400 } as const

const FULL = "There is no room left on the disk: nothing was stored; make room on it, and ask again."

/** Whether a file system said so, to whatever wraps it. */
const isOfFullDisk = (error: unknown): boolean =>
  /^(ENOSPC|EDQUOT)$/.test(codeOf(error)) || (error instanceof Error && isOfFullDisk(error.cause))

/** The one place where failures become HTTP. What nobody foresaw is logged, and answered without saying what it was. */
export const refusalOf = (cause: Cause.Cause<unknown>): Effect.Effect<Refusal> => {
  // The client has gone, so nobody reads this.
  if (Cause.hasInterruptsOnly(cause)) return Effect.succeed(refuse(499, "The client has gone."))
  const error = Cause.squash(cause)
  if (error instanceof Refusal) return Effect.succeed(error)
  if (error instanceof StoreError) {
    // A store's message names buckets, folders and servers: it is for the log.
    const status = STORE_STATUS[error.reason]
    const refusal =
      status === 503
        ? new Refusal({
            status,
            detail: "The store of recordings cannot be used at the moment.",
            retryAfter: STORE_PAUSE
          })
        : refuse(status, status === 507 ? FULL : "The store has no such thing.")
    return Effect.as(Effect.logWarning(error.message), refusal)
  }
  if (isOfFullDisk(error)) return Effect.as(Effect.logError(cause), refuse(507, FULL))
  return Effect.as(Effect.logError(cause), refuse(500, "Something went wrong in the service; its log says what."))
}

/** The refusal of what the web framework itself could not take, or threw. */
export const refusalOfThrown = (code: string | number, thrown: unknown): Effect.Effect<Refusal> => {
  if (thrown instanceof ValidationError && thrown.type !== "response") {
    return Effect.succeed(refuse(thrown.type === "headers" ? 400 : 422, String(thrown.customError)))
  }
  switch (code) {
    case "NOT_FOUND":
      return Effect.succeed(refuse(404, "There is nothing at this path."))
    case "PARSE":
      // A parser's own refusal is the cause.
      return thrown instanceof Error && thrown.cause instanceof Refusal
        ? Effect.succeed(thrown.cause)
        : Effect.succeed(refuse(400, "The request cannot be understood."))
    default:
      return refusalOf(Cause.die(thrown))
  }
}

export const refusalResponse = (
  { status, detail, retryAfter, allowed }: Refusal,
  headers: Readonly<Record<string, string>> = {}
): Response =>
  Response.json(
    { detail },
    {
      status,
      headers: {
        ...headers,
        ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
        ...(allowed === undefined ? {} : { allow: allowed.join(", ") }),
        ...(status === 401 ? { "www-authenticate": 'Bearer realm="EcoSight"' } : {})
      }
    }
  )
