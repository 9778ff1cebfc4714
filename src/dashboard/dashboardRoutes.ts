import { Effect, Schema } from "effect"
import { Elysia } from "elysia"
import { programPath } from "../processes/programPath.ts"

/** The dashboard does not build: a file of it is missing or wrong. */
export class DashboardError extends Schema.TaggedError<DashboardError>()("DashboardError", {
  message: Schema.String
}) {}

const PAGE = programPath("./index.html", import.meta.url)

// Nothing comes from elsewhere. Styles by nonce are wavesurfer's, which lie in its shadow tree.
const policy = (nonce: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self' blob: data:",
    "worker-src 'self' blob:",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

/** Bundles the dashboard, which takes about 0.1 s, and makes the routes that serve it from memory. */
export const dashboardRoutes = Effect.tryPromise({
  try: () =>
    Bun.build({ entrypoints: [PAGE], minify: true, target: "browser", publicPath: "/dashboard/", throw: true }),
  catch: (cause) => new DashboardError({ message: `The dashboard does not build: ${String(cause)}` })
}).pipe(
  Effect.flatMap(({ outputs }) =>
    Effect.promise(async () => {
      const page = await outputs.find(({ path }) => path.endsWith(".html"))!.text()
      const files = new Map(outputs.map((output) => [output.path.replace(/^.*\//, ""), output] as const))
      return new Elysia({ name: "dashboard" })
        .get(
          "/dashboard",
          () => {
            const nonce = crypto.randomUUID()
            const headers = {
              "content-type": "text/html; charset=utf-8",
              "content-security-policy": policy(nonce),
              "cache-control": "no-store"
            }
            return new Response(page.replace("NONCE", nonce), { headers })
          },
          { detail: { hide: true } }
        )
        .get(
          "/dashboard/:file",
          ({ params: { file } }) => {
            const found = files.get(file)
            if (found === undefined || file.endsWith(".html")) return Response.redirect("/dashboard", 302)
            // The bundler puts a hash of the content into the names.
            return new Response(found, { headers: { "cache-control": "public, max-age=31536000, immutable" } })
          },
          { detail: { hide: true } }
        )
    })
  )
)
