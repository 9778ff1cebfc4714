import { Effect, Schema } from "effect"
import { Elysia } from "elysia"
import { open } from "../service/stated.ts"
import { stillFile } from "../service/stillFile.ts"
import { bundleDashboard } from "./bundle.ts"

/** The dashboard does not build: a file of it is missing or wrong. */
export class DashboardError extends Schema.TaggedError<DashboardError>()("DashboardError", {
  message: Schema.String
}) {}

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

/** Bundles the dashboard, and makes the routes that serve it from memory. */
export const dashboardRoutes = Effect.tryPromise({
  try: bundleDashboard,
  catch: (cause) => new DashboardError({ message: `The dashboard does not build: ${String(cause)}` })
}).pipe(
  Effect.map((outputs) => {
    // One nonce a start: the page is the same for everybody, and may be kept.
    const nonce = crypto.randomUUID()
    const page = outputs.find(({ name }) => name.endsWith(".html"))!
    const index = stillFile(async () => page.text.replace("NONCE", nonce), {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy(nonce)
    })
    const files = new Map(
      outputs
        .filter((output) => output !== page)
        .map(({ name, type, text }) => {
          const headers = { "content-type": type, "cache-control": "public, max-age=31536000, immutable" }
          return [name, stillFile(async () => text, headers)] as const
        })
    )
    const hidden = { detail: { ...open, hide: true } }
    return new Elysia({ name: "dashboard" })
      .get("/dashboard", ({ request }) => index(request), hidden)
      .get(
        "/dashboard/:file",
        ({ request, params: { file } }) => files.get(file)?.(request) ?? Response.redirect("/dashboard", 302),
        hidden
      )
  })
)
