import { createHash, timingSafeEqual } from "node:crypto"
import { Option, Redacted } from "effect"
import type { Settings } from "../config/settings.ts"
import { makeLimiter } from "./limiter.ts"
import type { Asker } from "./proxies.ts"
import { Refusal, refuse } from "./refusal.ts"
import type { Found } from "./routeTable.ts"

/** Whether this address is reached from this machine only. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host)

/** Wrong tokens in a minute, from one address, after which it has to wait with any. */
const GUESSES = 20

const BEARER = /^bearer +/i

/** Whether who asks may be told what names files, servers and machines: the guard has checked every token that was sent. */
export const mayReadAll = (
  { headers }: Pick<Request, "headers">,
  { apiToken }: Pick<Settings["Service"], "apiToken">
) => Option.isNone(apiToken) || BEARER.test(headers.get("authorization") ?? "")

type Needs = Pick<Settings["Service"], "apiToken" | "allowAnonymous" | "corsOrigins" | "rateLimit">

/**
 * Makes the check that every request passes first; it gives the refusal, if any.
 *
 * All but what routes state to be open needs the token. Web pages of other origins may ask for nothing of it, token or
 * not; and without a token only names of this machine are served, so that no page can reach it under a name of its own.
 */
export const makeGuard = (settings: Needs) => {
  const token = Option.map(settings.apiToken, (secret) => digest(`Bearer ${Redacted.value(secret)}`))
  const requests = makeLimiter(settings.rateLimit)
  const guesses = makeLimiter(GUESSES)

  /** Whether the token is right; guesses are slowed, a right one among them, too, or it would be told from the wrong. */
  const checkToken = (sent: string | null, client: string, now: number): Refusal | undefined => {
    if (Option.isNone(token)) return undefined
    if (sent === null) return refuse(401, "A token is needed: send it as Authorization: Bearer <API_TOKEN>.")
    const wait = guesses.wait(client, now)
    if (wait > 0) return later(`Too many wrong tokens came from this address: try again in ${wait} s.`, wait)
    if (timingSafeEqual(digest(sent.replace(BEARER, "Bearer ")), token.value)) return undefined
    guesses.take(client, now)
    return refuse(401, "The token is wrong: send it as Authorization: Bearer <API_TOKEN>.")
  }

  return ({ headers }: Pick<Request, "headers">, { route, allowed }: Found, asker: Asker): Refusal | undefined => {
    const { client, hosts } = asker
    if (hosts.some((host) => host.includes(","))) return refuse(400, "The request names two hosts.")
    const isLocalOnly = Option.isNone(token) && !settings.allowAnonymous
    if (isLocalOnly && !hosts.every((host) => isLoopback(URL.parse(`http://${host}`)?.hostname ?? ""))) {
      return refuse(403, "Without API_TOKEN this service answers only under localhost, 127.0.0.1 and [::1].")
    }
    if (route === undefined) {
      return allowed.length === 0
        ? refuse(404, "There is nothing at this path.")
        : new Refusal({ status: 405, detail: `This path has ${allowed.join(", ")} only.`, allowed: [...allowed] })
    }
    const now = performance.now() / 1000
    const sent = headers.get("authorization")
    // An open route may tell more to who has the token. Other schemes are for who is in between.
    if (route.isOpen) return sent !== null && BEARER.test(sent) ? checkToken(sent, client, now) : undefined
    const origin = headers.get("origin")
    if (origin !== null && !isOwn(origin, asker) && !settings.corsOrigins.includes(origin)) {
      return refuse(403, "This web page's origin is not in CORS_ORIGINS.")
    }
    const refusal = checkToken(sent, client, now)
    if (refusal !== undefined || !route.isLimited) return refusal
    // Whoever has the token is one client, wherever it asks from.
    const wait = requests.take(Option.isSome(token) ? "token" : client, now)
    return wait === 0 ? undefined : later(`Too many requests: try again in ${wait} s.`, wait)
  }
}

/** Whether a page of this origin came from the service: under the name that it was asked by, or a trusted proxy was. */
const isOwn = (origin: string, { hosts, isProxied }: Asker): boolean => {
  const page = URL.parse(origin)
  if (page === null || !/^https?:$/.test(page.protocol)) return false
  const asked = hosts.at(-1)!
  if (URL.parse(`${page.protocol}//${asked}`)?.host === page.host) return true
  // nginx's $host has no port.
  return isProxied && page.hostname === asked
}

const later = (detail: string, retryAfter: number) => new Refusal({ status: 429, detail, retryAfter })

// Digests are of one length, so comparing them takes one time.
const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
