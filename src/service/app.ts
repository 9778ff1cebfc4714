import { Duration, Effect } from "effect"
import type { AnyElysia } from "elysia"
import { Settings } from "../config.ts"
import { Counters } from "./counters.ts"
import { isLoopback, makeGuard } from "./guard.ts"
import { makeHandle, type Services } from "./handle.ts"
import { PATIENCE } from "./intake.ts"
import { refusalResponse, refuse } from "./refusal.ts"
import { makeRoutes } from "./routes.ts"

const SECURITY = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'"
}

/** Seconds without a byte after which a connection is closed; event streams send one every 5 s. */
const IDLE = 30

/** Where the service listens. */
export interface Address {
  readonly url: URL
}

/**
 * Answers HTTP until the scope ends; `pages` are the routes that people look at. Refuses to listen for other machines without a
 * token.
 */
export const listen = Effect.fn("listen")(function* (host: string, port: number, pages: AnyElysia) {
  const settings = yield* Settings
  if (settings.apiToken._tag === "None" && !settings.allowAnonymous && !isLoopback(host)) {
    return yield* refuse(
      500,
      `HOST is ${host}, which other machines reach: set API_TOKEN, or ALLOW_ANONYMOUS=1 to let anybody write.`
    )
  }
  const context = yield* Effect.context<Services>()
  const counters = yield* Counters
  const guard = makeGuard(settings)
  const app = makeRoutes(makeHandle(context))
    .use(pages)
    .get("/prometheus", async () => {
      const text = await Effect.runPromiseWith(context)(counters.text)
      return new Response(text, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } })
    })

  const answer = async (request: Request, client: string): Promise<Response> => {
    // Without a Host that can be read there is no address.
    const url = URL.parse(request.url)
    const origin = request.headers.get("origin")
    const isAllowed = origin !== null && settings.corsOrigins.includes(origin)
    const refusal =
      url === null
        ? refuse(400, "The request does not name its host.")
        : request.method === "OPTIONS"
          ? undefined
          : guard(request, url, client)
    const response =
      refusal !== undefined
        ? refusalResponse(refusal)
        : request.method === "OPTIONS"
          ? new Response(null, { status: 204 })
          : await app.fetch(request)
    for (const [name, value] of Object.entries(SECURITY)) {
      if (!response.headers.has(name)) response.headers.set(name, value)
    }
    if (isAllowed) {
      response.headers.set("access-control-allow-origin", origin)
      response.headers.set("vary", "origin")
      response.headers.set("access-control-allow-methods", "GET, POST")
      response.headers.set("access-control-allow-headers", "authorization, content-type, last-event-id, range")
      response.headers.set("cross-origin-resource-policy", "cross-origin")
    }
    Effect.runForkWith(context)(counters.answered(response.status))
    return response
  }

  const server = yield* Effect.acquireRelease(
    Effect.try({
      try: () =>
        Bun.serve({
          hostname: host,
          port,
          idleTimeout: IDLE,
          // Bodies are bounded where they are read, so that the answer says why.
          maxRequestBodySize: Number.MAX_SAFE_INTEGER,
          fetch: (request, server) => {
            // Bun cuts a body that is still coming after `IDLE`; how long one may take is decided where it is read.
            if (request.method === "POST") server.timeout(request, Duration.toSeconds(PATIENCE) + IDLE)
            return answer(request, server.requestIP(request)?.address ?? "")
          },
          error: (thrown) => {
            Effect.runForkWith(context)(Effect.logError(thrown))
            return refusalResponse(refuse(500, "Something went wrong in the service; its log says what."))
          }
        }),
      catch: (cause) => refuse(500, `The service cannot listen on ${host}, port ${port}: ${String(cause)}`)
    }),
    (server) => Effect.promise(() => server.stop(true))
  )
  return { url: server.url } satisfies Address
})
