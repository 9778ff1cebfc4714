import { type Context, Effect, Exit } from "effect"
import type { Settings } from "../config/settings.ts"
import type { Store } from "../store/store.ts"
import type { Changes } from "./changeRunner.ts"
import type { Corpus } from "./corpus.ts"
import type { Counters } from "./counters.ts"
import type { Current } from "./current.ts"
import type { Field } from "./field.ts"
import type { Intake } from "./intake.ts"
import type { Outages } from "./outages.ts"
import type { Predictor } from "./predictor.ts"
import { refusalOf } from "./refusal.ts"
import type { Reviews } from "./reviews.ts"
import { pathOf } from "./routeTable.ts"
import type { Runs } from "./runs.ts"
import type { ScanRunner } from "./scanRunner.ts"
import type { Watcher } from "./watcher.ts"
import type { Workers } from "./workers.ts"

/** What routes may ask of the service. */
export type Services =
  | Changes
  | Corpus
  | Counters
  | Current
  | Field
  | Intake
  | Outages
  | Predictor
  | Reviews
  | Runs
  | ScanRunner
  | Settings
  | Store
  | Watcher
  | Workers

/** Carries out a request as an effect: resolves to its value, or rejects with a `Refusal`. */
export type Handle = <A, E>(request: Request, effect: Effect.Effect<A, E, Services>) => Promise<A>

/** Makes the bridge between the web framework and Effect. A client that goes away interrupts what was done for it. */
export const makeHandle =
  (context: Context.Context<Services>): Handle =>
  async (request, effect) => {
    const span = `${request.method} ${pathOf(request)}`
    // Every request comes by this line, so a stack would tell nothing.
    const traced = Effect.withSpan(effect, span, { kind: "server", captureStackTrace: false })
    const exit = await Effect.runPromiseExitWith(context)(traced, { signal: request.signal })
    if (Exit.isSuccess(exit)) return exit.value
    throw await Effect.runPromiseWith(context)(refusalOf(exit.cause))
  }
