import { Duration, Effect } from "effect"
import { Refusal } from "./refusal.ts"

/** How long who needs memory waits for it; after that the client is to come again. */
const PATIENCE = Duration.seconds(30)
const RETRY_AFTER = 5
/** So many bodies come in at once; of a flood the others are refused before they are read. */
const MOST_BODIES = 256

/** What one body has in memory, and how much of it may still come. */
export interface Claim {
  held: number
  needs: number
}

/**
 * Shares so many bytes of memory among bodies, taken as they arrive.
 *
 * A claim is let go on only where all can still come to their end one after another (the banker's algorithm): bodies that
 * had each arrived in half would wait for each other for ever otherwise.
 */
export const makeBodyMemory = (budget: number) => {
  const claims = new Set<Claim>()
  const waiting = new Set<() => void>()

  const allCanEnd = () => {
    let free = budget
    let needed = 0
    for (const { held, needs } of claims) {
      free -= held
      needed += needs
    }
    if (free < 0) return false
    // All at once, as nearly always: no order is to be found among thousands of them.
    if (needed <= free) return true
    for (const { held, needs } of [...claims].sort((a, b) => a.needs - b.needs)) {
      if (needs > free) return false
      free += held
    }
    return true
  }
  const tries = (claim: Claim, bytes: number) => {
    const { held, needs } = claim
    claim.held += bytes
    claim.needs = Math.max(0, needs - bytes)
    if (allCanEnd()) return true
    Object.assign(claim, { held, needs })
    return false
  }
  const change = Effect.callback<void>((resume) => {
    const wake = () => resume(Effect.void)
    waiting.add(wake)
    return Effect.sync(() => waiting.delete(wake))
  })

  return {
    /** A claim that is to be given back with `release`; at most the whole memory. Refused where too many have one. */
    claim: (needs: number): Effect.Effect<Claim, Refusal> =>
      Effect.suspend(() => {
        if (claims.size >= MOST_BODIES) return Effect.fail(full)
        const claim: Claim = { held: 0, needs: Math.min(budget, needs) }
        claims.add(claim)
        return Effect.succeed(claim)
      }),
    /** Takes bytes for a claim, once there is room; refuses where there is none for too long. */
    take: (claim: Claim, bytes: number): Effect.Effect<void, Refusal> =>
      Effect.suspend(() => {
        if (tries(claim, bytes)) return Effect.void
        const later = Effect.gen(function* () {
          do yield* change
          while (!tries(claim, bytes))
        })
        return Effect.timeoutOrElse(later, { duration: PATIENCE, orElse: () => Effect.fail(full) })
      }),
    release: (claim: Claim) =>
      Effect.sync(() => {
        claims.delete(claim)
        const woken = [...waiting]
        waiting.clear()
        for (const wake of woken) wake()
      })
  }
}

const full = new Refusal({
  status: 503,
  detail: "Too many recordings are being taken in; please try again.",
  retryAfter: RETRY_AFTER
})
