import { Effect, Option } from "effect"
import { runningRun } from "../../registry/lease.ts"
import { readPointer } from "../../registry/pointer.ts"
import { staleCopies } from "../../registry/publish.ts"
import { readOnly } from "../../store/readOnly.ts"
import { Store } from "../../store/store.ts"
import { type Finding, note, ok, wrong } from "./finding.ts"

/** Whether the copies under `models/` are those of the promoted version; nothing is told of a store without one. */
export const examineModels = Effect.fn("examineModels")(
  function* (_: Store["Service"]) {
    const promoted = Option.getOrUndefined(yield* readPointer())?.runId
    if (promoted === undefined) return []
    const says = `models/ does not hold ${promoted}, which is promoted`
    if ((yield* staleCopies) === undefined) return [ok("models", `models/ holds ${promoted}, which is promoted.`)]
    const running = yield* runningRun
    return running === undefined
      ? [
          wrong(
            "models",
            `${says}, but files of another version, or damaged ones: run \`bun run models promote ${promoted}\`.`
          )
        ]
      : [note("models", `${says}; run ${running} is at work, and may be putting it there.`)]
  },
  (examined, store): Effect.Effect<ReadonlyArray<Finding>> =>
    examined.pipe(
      Effect.provideService(Store, readOnly(store, "A doctor changes nothing.")),
      Effect.catch(({ message }) => Effect.succeed([wrong("models", message)]))
    )
)
