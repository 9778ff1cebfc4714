import { toOpenAPISchema } from "@elysiajs/openapi"
import { type AnyElysia, Elysia } from "elysia"
import swaggerStyle from "swagger-ui-dist/swagger-ui.css" with { type: "file" }
import swaggerScript from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" }
import packageJson from "../../package.json"
import { open } from "./stated.ts"
import { stillFile } from "./stillFile.ts"

const DESCRIPTION = `Sound classification and its training. Errors are {detail}. All but what only tells needs API_TOKEN as
a bearer token, where one is set: first "Authorize".`

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>EcoSight's API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`
const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true })`

// Swagger UI sets styles of its own, and pictures that are in them.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const DAY = "public, max-age=86400"

/** The description of these routes at `/openapi.json` (and `/openapi`), and a page to read and try it at `/docs`, all served from here. */
export const openApiRoutes = (routes: AnyElysia) => {
  let described: object | undefined
  const describe = () => (described ??= documentOf(routes))
  const hidden = { detail: { ...open, hide: true } }
  const page = stillFile(async () => PAGE, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": POLICY
  })
  const script = "text/javascript; charset=utf-8"
  const start = stillFile(async () => START, { "content-type": script, "cache-control": DAY })
  const bundle = stillFile(() => Bun.file(swaggerScript).bytes(), { "content-type": script, "cache-control": DAY })
  const style = stillFile(() => Bun.file(swaggerStyle).bytes(), {
    "content-type": "text/css; charset=utf-8",
    "cache-control": DAY
  })
  return new Elysia({ name: "openapi" })
    .get("/openapi", describe, hidden)
    .get("/openapi.json", describe, hidden)
    .get("/docs", ({ request }) => page(request), hidden)
    .get("/docs/start.js", ({ request }) => start(request), hidden)
    .get("/docs/swagger-ui-bundle.js", ({ request }) => bundle(request), hidden)
    .get("/docs/swagger-ui.css", ({ request }) => style(request), hidden)
}

const documentOf = (routes: AnyElysia) => {
  const { paths, components } = toOpenAPISchema(routes)
  return {
    openapi: "3.1.2",
    info: { title: "EcoSight", version: packageJson.version, description: DESCRIPTION.replaceAll("\n", " ") },
    security: [{ token: [] }],
    paths,
    components: { ...components, securitySchemes: { token: { type: "http", scheme: "bearer" } } }
  }
}
