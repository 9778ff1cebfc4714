import { Effect, Option, type Redacted } from "effect"
import { Settings } from "../../config/settings.ts"
import { Store } from "../../store/store.ts"
import { scanOnCluster } from "../cluster/scanOnCluster.ts"
import { runServices, settledEmbedder } from "../services.ts"
import { type ScanOptions, scan } from "./scan.ts"

/** Does what `scan` does: by the workers that meet in the database, where one is given, else in this process. */
export const scanStore = Effect.fn("scanStore")(function* (
  database: Option.Option<Redacted.Redacted>,
  options: ScanOptions
) {
  if (Option.isSome(database)) return yield* scanOnCluster(database.value, options)
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  return yield* scan(embedder, options).pipe(Effect.provide(runServices(yield* Store, embedder, yield* Settings)))
})
