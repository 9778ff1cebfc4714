import { Effect } from "effect"
import type { Failure } from "./s3-error.ts"

/** How patient the client is. */
export interface Patience {
  /** Milliseconds without an answer, or without its next bytes, after which a request is given up. */
  readonly silence: number
  /** Milliseconds for which a request is sent again, counted from when it, or the store as a whole, began to fail. */
  readonly total: number
  /** Milliseconds before the first retry; doubled each time up to `LONGEST_PAUSE`, spread by a fifth either way. */
  readonly pause: number
}

/** The patience with these many seconds, as STORE_PATIENCE has them. */
export const patienceOf = (seconds: number): Patience => ({ silence: 30_000, total: seconds * 1000, pause: 250 })

const LONGEST_PAUSE = 10_000
/** Milliseconds for which what is rather a wrong setting is tried. */
const BRIEF = 8_000
/** A request is sent again so often, even when patience has run out: a machine may have slept meanwhile. */
const LEAST_RETRIES = 2
/** The retry before which it is said that there are any: some four seconds have passed by then. */
const TOLD = 4

/** Tries requests again, together: none waits for a store that others have waited for in vain. */
export interface Retries {
  /** Whether any request was answered, if only by a refusal. */
  readonly proven: () => boolean
  readonly retrying: <A>(attempt: Effect.Effect<A, Failure>) => Effect.Effect<A, Failure>
}

export const makeRetries = ({ total, pause }: Patience): Retries => {
  let proven = false
  let told = false
  /** Since when, and when last, no request was answered. */
  let outage: { readonly since: number; last: number } | undefined

  const answered = Effect.fnUntraced(function* () {
    proven = true
    outage = undefined
    if (told) yield* Effect.logInfo("The store answers again.")
    told = false
  })

  /** Since when the store as a whole fails. */
  const failing = (now: number): number => {
    if (outage === undefined || now - outage.last > total + LONGEST_PAUSE) outage = { since: now, last: now }
    outage.last = now
    return outage.since
  }

  const retrying = <A>(attempt: Effect.Effect<A, Failure>): Effect.Effect<A, Failure> => {
    let began = Number.POSITIVE_INFINITY
    const again = (failure: Failure, retries: number): Effect.Effect<A, Failure> =>
      Effect.gen(function* () {
        const now = performance.now()
        if (failure.isAnswer) yield* answered()
        began = Math.min(began, now, failure.isAnswer ? now : failing(now))
        const left = (failure.hope === "full" ? total : Math.min(total, BRIEF)) - (now - began)
        if (failure.hope === "none" || (retries >= LEAST_RETRIES && left <= 0)) return yield* Effect.fail(failure)
        if (retries === TOLD && !told && !failure.isAnswer) {
          told = true
          yield* Effect.logWarning(`${failure.error.message} Trying again for up to ${inWords(left)}.`)
        }
        const longest = retries < LEAST_RETRIES ? LONGEST_PAUSE : Math.min(left, LONGEST_PAUSE)
        yield* Effect.sleep(Math.min(longest, pause * 2 ** retries * (0.8 + 0.4 * Math.random())))
        return yield* tried(retries + 1)
      })
    const tried = (retries: number): Effect.Effect<A, Failure> =>
      Effect.matchEffect(attempt, {
        onSuccess: (value) => (proven && outage === undefined ? Effect.succeed(value) : Effect.as(answered(), value)),
        onFailure: (failure) => again(failure, retries)
      })
    return tried(0)
  }
  return { proven: () => proven, retrying }
}

const inWords = (milliseconds: number): string =>
  milliseconds < 90_000 ? `${Math.ceil(milliseconds / 1000)} s` : `${Math.round(milliseconds / 60_000)} min`
