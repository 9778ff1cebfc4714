import { Effect, Schema } from "effect"
import { Elysia } from "elysia"
import { annotationRoutes } from "./annotationRoutes.ts"
import { changeRoutes } from "./changeRoutes.ts"
import { clipRoutes } from "./clipRoutes.ts"
import { Counters } from "./counters.ts"
import { downloadRoutes } from "./downloadRoutes.ts"
import { ecosightRoutes } from "./ecosightRoutes.ts"
import { eventRoutes } from "./eventRoutes.ts"
import { fieldRoutes } from "./fieldRoutes.ts"
import type { Handle } from "./handle.ts"
import { modelRoutes } from "./modelRoutes.ts"
import { reviewRoutes } from "./reviewRoutes.ts"
import { runRoutes } from "./runRoutes.ts"
import { scanRoutes } from "./scanRoutes.ts"
import { open, streams } from "./stated.ts"
import { workerRoutes } from "./workerRoutes.ts"

const prometheus = Effect.map(
  Counters.use(({ text }) => text),
  (text) => new Response(text, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } })
)

/** Every route of the API. */
export const makeRoutes = (handle: Handle) =>
  new Elysia()
    // The framework takes a text with a comma for a list, and one in brackets for JSON; names of recordings have both.
    .onTransform((context) => {
      const { url } = context.request
      context.query = url.includes("?") ? Object.fromEntries([...new URL(url).searchParams].reverse()) : {}
    })
    .use(ecosightRoutes(handle))
    .use(runRoutes(handle))
    .use(modelRoutes(handle))
    .use(clipRoutes(handle))
    .use(changeRoutes(handle))
    .use(downloadRoutes(handle))
    .use(reviewRoutes(handle))
    .use(fieldRoutes(handle))
    .use(scanRoutes(handle))
    .use(eventRoutes(handle))
    .use(annotationRoutes(handle))
    .use(workerRoutes(handle))
    .get("/prometheus", ({ request }) => handle(request, prometheus), {
      detail: {
        ...open,
        summary: "What the service counts, in Prometheus' format",
        responses: streams("text/plain", "The counters", Schema.String)
      }
    })

/** The API's paths with their inputs and answers, from which a client gets its types. */
export type Routes = ReturnType<typeof makeRoutes>
