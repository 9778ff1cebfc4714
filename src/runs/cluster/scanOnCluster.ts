import { Effect, Layer, type Redacted } from "effect"
import { Store } from "../../store/store.ts"
import { type ScanOptions, scanBy } from "../scan/scan.ts"
import { settledFrontEnd } from "../services.ts"
import { clientLayer } from "./connections.ts"
import { Dispatch } from "./dispatch.ts"
import { hearOnCluster } from "./hearOnCluster.ts"
import { workersWeights } from "./submit.ts"

/** Does what `scan` does, heard by the workers that meet in the database and judged here; interrupting it stops them. */
export const scanOnCluster = Effect.fn("scanOnCluster")(function* (database: Redacted.Redacted, options: ScanOptions) {
  const { location } = yield* Store
  const services = Dispatch.layer.pipe(Layer.provideMerge(clientLayer(database)))
  return yield* Effect.gen(function* () {
    const embedder = { frontEnd: yield* settledFrontEnd, hash: yield* workersWeights(location) }
    return yield* scanBy(hearOnCluster, embedder, options)
  }).pipe(Effect.provide(services))
})
