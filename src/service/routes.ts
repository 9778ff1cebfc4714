import { Effect } from "effect"
import { Elysia } from "elysia"
import { clipRoutes } from "./clipRoutes.ts"
import { ecosightRoutes } from "./ecosightRoutes.ts"
import type { Handle } from "./handle.ts"
import { modelRoutes } from "./modelRoutes.ts"
import { openApi } from "./openapi.ts"
import { refusalOfThrown, refusalResponse } from "./refusal.ts"
import { reviewRoutes } from "./reviewRoutes.ts"
import { runRoutes } from "./runRoutes.ts"
import { workerRoutes } from "./workerRoutes.ts"

/** Every route of the API. */
export const makeRoutes = (handle: Handle) =>
  new Elysia()
    .onError(async ({ code, error }) => refusalResponse(await Effect.runPromise(refusalOfThrown(code, error))))
    .use(openApi)
    .use(ecosightRoutes(handle))
    .use(runRoutes(handle))
    .use(modelRoutes(handle))
    .use(clipRoutes(handle))
    .use(reviewRoutes(handle))
    .use(workerRoutes(handle))

/** The API's paths with their inputs and answers, from which a client gets its types. */
export type Routes = ReturnType<typeof makeRoutes>
