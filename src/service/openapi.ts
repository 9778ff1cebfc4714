import { openapi } from "@elysiajs/openapi"
import packageJson from "../../package.json"

/** The description of every route at /openapi, as JSON: a page for it would load scripts from elsewhere. */
export const openApi = openapi({
  provider: null,
  path: "/openapi",
  specPath: "/openapi",
  documentation: {
    info: {
      title: "EcoSight",
      version: packageJson.version,
      description:
        "Sound classification and its training. Errors are {detail}. What writes or costs needs API_TOKEN as a bearer token, where one is set."
    },
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } }
  }
})
