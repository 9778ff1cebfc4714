import { type Refusal, refuse } from "./refusal.ts"
import type { Route } from "./routeTable.ts"
import { givenTwice, repeatedIn } from "./shape.ts"

/**
 * Refuses what the web framework would pass over: of a parameter that is given twice it takes the last, and where a route
 * states no query it looks at none. Where something is only told, one that says nothing does no harm.
 */
export const checkQuery = ({ method, url }: Pick<Request, "method" | "url">, route: Route): Refusal | undefined => {
  const start = url.indexOf("?")
  if (start < 0) return undefined
  const names = [...new URLSearchParams(url.slice(start)).keys()]
  if (route.takesQuery) {
    const twice = repeatedIn(names)
    return twice === undefined ? undefined : refuse(422, givenTwice(twice))
  }
  return method === "POST" && names.length > 0
    ? refuse(422, `\`${names[0]}\` is not known here: this path takes no query.`)
    : undefined
}
