import { Duration, Effect, Semaphore } from "effect"

/** Milliseconds that a look at the store may be old. */
const AGE = 5_000
/** And at least so many times as long as it took, so that a large store is not listed all the time. */
const SHARE = 20

/** What a look at the store found: looked up once for all who ask within a while, and anew once it is forgotten. */
export const keptAWhile = <A, E, R>(look: Effect.Effect<A, E, R>) => {
  const turn = Semaphore.makeUnsafe(1)
  let kept: { readonly value: A; readonly until: number } | undefined
  return {
    get: Effect.suspend(() => {
      if (kept !== undefined && performance.now() < kept.until) return Effect.succeed(kept.value)
      return Effect.map(Effect.timed(look), ([elapsed, value]) => {
        kept = { value, until: performance.now() + Math.max(AGE, SHARE * Duration.toMillis(elapsed)) }
        return value
      })
    }).pipe(turn.withPermit),
    forget: Effect.sync(() => {
      kept = undefined
    })
  }
}
