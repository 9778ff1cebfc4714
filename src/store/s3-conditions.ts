import { Effect, Option, Result, Semaphore } from "effect"
import { PROBE_KEY } from "./keys.ts"
import { type ObjectInfo, orNone, type PutCondition, type Store, StoreError } from "./store.ts"

// Everything that must not be lost moves by conditional writes. A server that does not know them answers 200 all the
// same, and two runs would hold the lease at once.

/** Writes as asked, and leaves it at what the server says. */
export type Write = (key: string, bytes: Uint8Array, condition?: PutCondition) => Effect.Effect<ObjectInfo, StoreError>

/** What is in the object that shows whether conditions are heeded. It stays: from the second time on it is only asked for. */
const PROBE = new TextEncoder().encode("Written under a condition, to see whether this server heeds conditions.\n")
/** An ETag that nothing has. */
const NOTHINGS_ETAG = "0".repeat(32)

/** The same write, where a condition holds on every server: it is found out, once, whether this one heeds them. */
export const makeConditions = (
  write: Write,
  get: Store["Service"]["get"],
  { endpoint, location, allowed }: { readonly endpoint: string; readonly location: string; readonly allowed: boolean }
): Write => {
  const once = Semaphore.makeUnsafe(1)
  let heeded: boolean | undefined

  /** Does without conditions from now on, where that is allowed. */
  const dispense = Effect.fnUntraced(function* (why: string) {
    if (!allowed) {
      return yield* new StoreError({
        reason: "invalid",
        key: PROBE_KEY,
        message:
          `${endpoint} ${why} conditional writes, which keep two runs from training and promoting at once: use a server ` +
          `that heeds If-Match and If-None-Match, or set ALLOW_UNCONDITIONAL_WRITES=1 and see to it that one command at a ` +
          `time writes to ${location}.`
      })
    }
    yield* Effect.logWarning(
      `${endpoint} ${why} conditional writes: conditions are looked at just before each write instead, so of two ` +
        `commands that write to ${location} in the same moment, one may undo the other's work unnoticed.`
    )
    heeded = false
  })

  const ask = Effect.gen(function* () {
    if (heeded !== undefined) return heeded
    const why = yield* whyIgnored(write)
    if (why === undefined) heeded = true
    else yield* dispense(why)
    return heeded
  }).pipe(once.withPermit)

  const holds = (key: string, condition: PutCondition) =>
    Effect.map(orNone(get(key)), (found) =>
      "ifMatch" in condition ? Option.exists(found, ({ etag }) => etag === condition.ifMatch) : Option.isNone(found)
    )

  return Effect.fnUntraced(function* (key, bytes, condition) {
    if (condition === undefined) return yield* write(key, bytes)
    if (heeded ?? (yield* ask)) {
      for (let tries = 0; tries < 2; tries++) {
        const written = yield* Effect.result(write(key, bytes, condition))
        if (Result.isSuccess(written)) return written.success
        if (written.failure.reason !== "conflict" || !(yield* holds(key, condition))) return yield* written.failure
      }
      // A proxy on the way that marks ETags as its own, say of what it has compressed.
      yield* dispense("gives other ETags than it takes in")
    }
    if (yield* holds(key, condition)) return yield* write(key, bytes)
    return yield* new StoreError({ reason: "conflict", key, message: `Another writer has changed ${location}/${key}.` })
  })
}

/** What this server does with conditional writes instead of heeding them. */
const whyIgnored = Effect.fnUntraced(function* (write: Write) {
  const isRefused = (condition: PutCondition) =>
    write(PROBE_KEY, PROBE, condition).pipe(
      Effect.as(false),
      Effect.catchIf(
        ({ reason }) => reason === "conflict",
        () => Effect.succeed(true)
      )
    )
  return yield* Effect.gen(function* () {
    const isNew = !(yield* isRefused({ ifNoneMatch: "*" }))
    const isHeeded =
      (!isNew || (yield* isRefused({ ifNoneMatch: "*" }))) && (yield* isRefused({ ifMatch: NOTHINGS_ETAG }))
    return isHeeded ? undefined : "ignores"
  }).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "invalid",
      () => Effect.succeed("does not implement")
    ),
    // Whoever may not write this object may still write others; what comes of it the server will say.
    Effect.catchIf(
      ({ reason }) => reason === "denied",
      () => Effect.undefined
    )
  )
})
