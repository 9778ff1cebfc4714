import { cors } from "@elysiajs/cors"
import { Cause, type Context, Effect } from "effect"
import { type AnyElysia, Elysia } from "elysia"
import { Settings } from "../config/settings.ts"
import { checkQuery } from "./checkQuery.ts"
import { Counters } from "./counters.ts"
import { makeDrain } from "./drain.ts"
import { isLoopback, makeGuard } from "./guard.ts"
import { makeHandle, type Services } from "./handle.ts"
import { openApiRoutes } from "./openapi.ts"
import { makeProxies } from "./proxies.ts"
import { Refusal, refusalOf, refusalOfThrown, refusalResponse, refuse } from "./refusal.ts"
import { makeRoutes } from "./routes.ts"
import { pathOf, routeTable } from "./routeTable.ts"

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

/** The API and `pages`, which people look at, behind the guard; and which route a request is for. */
const makeApp = (settings: Settings["Service"], context: Context.Context<Services>, pages: AnyElysia) => {
  const guard = makeGuard(settings)
  const askerOf = makeProxies(settings.trustedProxies)
  const routes = makeRoutes(makeHandle(context))
  const served = new Elysia().use(routes).use(openApiRoutes(routes)).use(pages)
  const find = routeTable(served)
  const app = new Elysia({
    // Else it looks for the path from the 12th character of the address on, wherever the host ends.
    handler: { standardHostname: false }
  })
    .onError(({ code, error }) =>
      Effect.runPromiseWith(context)(Effect.map(refusalOfThrown(code, error), refusalResponse))
    )
    // Ahead of the guard, so that a page that may read answers may read refusals, too.
    .use(
      cors({
        origin: [...settings.corsOrigins],
        methods: ["GET", "POST"],
        allowedHeaders: ["authorization", "content-type", "last-event-id", "range"],
        exposeHeaders: ["retry-after"],
        credentials: false
      })
    )
    .onRequest(({ request, server }) => {
      const asker = askerOf(request.headers, server?.requestIP(request)?.address ?? "")
      const found = find(request.method, pathOf(request))
      const refusal = guard(request, found, asker)
      if (refusal === undefined) {
        const wrong = found.route && checkQuery(request, found.route)
        return wrong && refusalResponse(wrong)
      }
      if (refusal.status === 401 && request.headers.has("authorization")) {
        Effect.runForkWith(context)(Effect.logWarning(`${asker.client} sent a wrong token to ${found.route?.path}.`))
      }
      return refusalResponse(refusal)
    })
    .use(served)
  return { app, find }
}

const ending = new Refusal({ status: 503, detail: "The service is ending; please try again.", retryAfter: 5 })

const secure = (response: Response): Response => {
  for (const [name, value] of Object.entries(SECURITY)) {
    if (!response.headers.has(name)) response.headers.set(name, value)
  }
  if (response.headers.has("access-control-allow-origin")) {
    response.headers.set("cross-origin-resource-policy", "cross-origin")
  }
  return response
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
  const { answered } = yield* Counters
  const { app, find } = makeApp(settings, context, pages)
  const drain = makeDrain()
  const respond = async (request: Request): Promise<Response> => {
    if (drain.isEnding()) return refusalResponse(ending, { connection: "close" })
    // Without a Host that can be read there is no address.
    return URL.canParse(request.url)
      ? await app.fetch(request)
      : refusalResponse(refuse(400, "The request does not name its host."))
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
          fetch: (request, server) =>
            drain.answer(async () => {
              // Bun cuts a body that is still coming after `IDLE`; for how long one may be silent is decided where it is read.
              if (request.method === "POST") server.timeout(request, 0)
              const began = performance.now()
              const response = await respond(request)
              if (request.method === "POST") server.timeout(request, IDLE)
              const { route } = find(request.method, pathOf(request))
              answered(route, response.status, (performance.now() - began) / 1000)
              return secure(response)
            }),
          error: (thrown) => Effect.runPromiseWith(context)(Effect.map(refusalOf(Cause.die(thrown)), refusalResponse))
        }),
      // Bun gives one code for a port that is taken and for a name that leads nowhere.
      catch: () =>
        refuse(
          500,
          `The service cannot listen on ${host}, port ${port}: another program does, this user may not, or it is no ` +
            "address of this machine. Choose another --port or --host."
        )
    }),
    (server) =>
      Effect.andThen(
        drain.drained,
        Effect.promise(() => server.stop(true))
      )
  )
  // From it the guard learns who asks.
  app.server = server
  return { url: server.url } satisfies Address
})
