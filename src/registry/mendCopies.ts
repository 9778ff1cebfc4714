import { Effect } from "effect"
import { withLease } from "./lease.ts"
import { repairCopies, staleCopies } from "./publish.ts"
import { newRunId } from "./runRecord.ts"

/**
 * Makes good the copies under `models/` that a promotion left behind when it died, for who starts and trains nothing. Only
 * where they are wrong the lease is held meanwhile; who holds it already makes them good. That it cannot be done is a
 * warning: whoever asks goes on all the same.
 */
export const mendCopies = Effect.fn("mendCopies")(
  function* () {
    if ((yield* staleCopies) === undefined) return
    yield* repairCopies.pipe(withLease(yield* newRunId))
  },
  Effect.catchTag("LeaseHeld", () => Effect.void),
  Effect.catch(({ message }) => Effect.logWarning(`The copies in models/ are not looked after: ${message}`))
)
