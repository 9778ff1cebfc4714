import { Cause, Effect, Schema } from "effect"
import { StoreError } from "../store/store.ts"

/** A request that gets another answer than 2xx: its status, and one sentence for the client. */
export class Refusal extends Schema.TaggedError<Refusal>()("Refusal", {
  status: Schema.Int,
  detail: Schema.String,
  /** Seconds after which the client may try again. */
  retryAfter: Schema.optionalKey(Schema.Int)
}) {}

export const refuse = (status: number, detail: string): Refusal => new Refusal({ status, detail })

const STORE_STATUS = { missing: 404, conflict: 409, denied: 503, unreachable: 503, invalid: 400 } as const

/** The one place where failures become HTTP. What nobody foresaw is logged, and answered without saying what it was. */
export const toResponse = (cause: Cause.Cause<unknown>): Effect.Effect<Response> => {
  // The client has gone, so nobody reads this.
  if (Cause.hasInterruptsOnly(cause)) return Effect.succeed(new Response(null, { status: 499 }))
  const error = Cause.squash(cause)
  if (error instanceof Refusal) return Effect.succeed(refusalResponse(error))
  if (error instanceof StoreError) {
    // A store's message names buckets, folders and servers: it is for the log.
    const status = STORE_STATUS[error.reason]
    const detail =
      status === 503 ? "The store of recordings cannot be used at the moment." : "The store has no such thing."
    return Effect.logWarning(error.message).pipe(Effect.as(refusalResponse(refuse(status, detail))))
  }
  return Effect.logError(cause).pipe(
    Effect.as(refusalResponse(refuse(500, "Something went wrong in the service; its log says what.")))
  )
}

export const refusalResponse = ({ status, detail, retryAfter }: Refusal): Response =>
  Response.json({ detail }, { status, headers: retryAfter === undefined ? {} : { "retry-after": String(retryAfter) } })
