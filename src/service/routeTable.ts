import type { AnyElysia } from "elysia"
import { statedOf } from "./stated.ts"

/** What is known of a route before anything is done for a request. */
export interface Route {
  readonly method: string
  /** As it was declared: `/models/:id`. */
  readonly path: string
  /** Whether anybody may ask, token or not. */
  readonly isOpen: boolean
  /** Whether each client may ask only so often. */
  readonly isLimited: boolean
  /** Whether it states a query. */
  readonly takesQuery: boolean
}

/** Where a request leads. */
export interface Found {
  /** None where there is nothing at this path, or not by this method. */
  readonly route?: Route
  /** The methods that the path has; empty where there is nothing. */
  readonly allowed: ReadonlyArray<string>
}

/** The path of a request's address, letter for letter as the web framework takes it: `#` and `\\` are nothing special to it. */
export const pathOf = ({ url }: Pick<Request, "url">): string => {
  const start = url.indexOf("/", url.indexOf("://") + 3)
  const end = url.indexOf("?", start)
  return end < 0 ? url.slice(start) : url.slice(start, end)
}

/**
 * The one place that tells which route a request is for. What is not found here never reaches the web framework, so that
 * however it would read a path, nothing is done that the guard did not see.
 */
export const routeTable = ({ routes }: Pick<AnyElysia, "routes">): ((method: string, path: string) => Found) => {
  const known = routes
    // Preflights are answered before.
    .filter(({ method }) => method !== "OPTIONS")
    .map(({ method, path, hooks }) => ({
      segments: segmentsOf(path),
      route: { method, path, ...statedOf(hooks.detail), takesQuery: hooks.query !== undefined }
    }))
    // What is written out goes before what any text may stand for.
    .sort((a, b) => parametersIn(a.segments) - parametersIn(b.segments))

  const routesAt = (asked: ReadonlyArray<string>) =>
    known.filter(({ segments }) => matches(segments, asked)).map(({ route }) => route)
  // Every request is looked up twice, and most are for these.
  const writtenOut = new Map(
    known
      .filter(({ segments }) => parametersIn(segments) === 0)
      .map(({ segments }) => [segments.join("/"), foundIn(routesAt(segments))])
  )

  return (method, path) => (writtenOut.get(path) ?? foundIn(routesAt(segmentsOf(path))))(method)
}

/** What each method finds among the routes of one path. */
const foundIn = (here: ReadonlyArray<Route>): ((method: string) => Found) => {
  const allowed = [...new Set(here.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method])))]
  const byMethod = new Map(
    allowed.map((method): [string, Found] => {
      const route = here.find((one) => one.method === (method === "HEAD" ? "GET" : method))
      return [method, { allowed, ...(route && { route }) }]
    })
  )
  return (method) => byMethod.get(method) ?? { allowed }
}

/** As the web framework does, `/predict/` is taken for `/predict`. */
const segmentsOf = (path: string): ReadonlyArray<string> => path.replace(/\/$/, "").split("/")

const parametersIn = (segments: ReadonlyArray<string>): number => segments.filter((part) => part.startsWith(":")).length

const matches = (segments: ReadonlyArray<string>, asked: ReadonlyArray<string>): boolean =>
  segments.length === asked.length &&
  segments.every((part, at) => (part.startsWith(":") ? asked[at] !== "" : part === asked[at]))
