import { openapi } from "@elysiajs/openapi"
import packageJson from "../../package.json"

/** The body of a request with a file. */
export const multipart = (fields: Record<string, { type: "string"; default: string }>) => ({
  required: true,
  content: {
    "multipart/form-data": {
      schema: {
        type: "object" as const,
        required: ["file"],
        properties: { file: { type: "string" as const, format: "binary" }, ...fields }
      }
    }
  }
})

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
