import { type Cause, Effect, Exit } from "effect"
import type { Settings } from "../config.ts"
import type { Store } from "../store/store.ts"
import type { Corpus } from "./corpus.ts"
import type { Current } from "./current.ts"
import type { Intake } from "./intake.ts"
import type { Tally } from "./metrics.ts"
import type { Predictor } from "./predictor.ts"
import { refuse, toResponse } from "./refusal.ts"
import type { Reviews } from "./reviews.ts"
import type { Runs } from "./runs.ts"
import type { Watcher } from "./watcher.ts"
import type { Workers } from "./workers.ts"

/** What routes may ask of the service. */
export type Services =
  | Corpus
  | Current
  | Intake
  | Predictor
  | Reviews
  | Runs
  | Settings
  | Store
  | Tally
  | Watcher
  | Workers

/** Answers a request with an effect: its value as JSON or a Response as it is, its failure by the one mapping. */
export type Run = (request: Request, effect: Effect.Effect<unknown, unknown, Services>) => Promise<unknown>

/** Makes the bridge between the web framework and Effect. A client that goes away interrupts what was done for it. */
export const makeRun = (
  execute: (
    effect: Effect.Effect<unknown, unknown, Services>,
    options: { readonly signal: AbortSignal }
  ) => Promise<Exit.Exit<unknown, unknown>>
): Run => {
  const failure = (cause: Cause.Cause<unknown>) => execute(toResponse(cause), { signal: new AbortController().signal })
  return async (request, effect) => {
    const span = `${request.method} ${new URL(request.url).pathname}`
    const exit = await execute(Effect.withSpan(effect, span, { kind: "server" }), { signal: request.signal })
    if (Exit.isSuccess(exit)) return exit.value
    const response = await failure(exit.cause)
    return Exit.isSuccess(response) ? response.value : new Response(null, { status: 500 })
  }
}

/** A query's number between bounds, or its fallback. */
export const numberIn = (query: URLSearchParams, name: string, fallback: number, most: number) => {
  const text = query.get(name)
  if (text === null) return Effect.succeed(fallback)
  const value = Number(text)
  return Number.isInteger(value) && value >= 1 && value <= most
    ? Effect.succeed(value)
    : Effect.fail(refuse(422, `${name} must be a whole number from 1 to ${most}.`))
}

/** A request's query. */
export const queryOf = (request: Request): URLSearchParams => new URL(request.url).searchParams
