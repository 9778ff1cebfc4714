import { createHash, timingSafeEqual } from "node:crypto"
import { Option, Redacted } from "effect"
import type { Settings } from "../config/settings.ts"
import { Refusal, refuse } from "./refusal.ts"

/** Whether this address is reached from this machine only. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host)

/** Paths whose reading costs: they fetch recordings or models from the store, or list much of it. */
const COSTLY = /^\/(clips|review|map|models\/[^/]+\/files)(\/|$)/
/** What computes or stores, and is limited per client. */
const LIMITED = /^\/(predict|upload)$/

type Needs = Pick<Settings["Service"], "apiToken" | "allowAnonymous" | "corsOrigins" | "rateLimit">

/**
 * Makes the check that every request passes first; it gives the refusal, if any.
 *
 * What writes or costs needs the token. Web pages of other origins may send nothing that writes, token or not; and
 * without a token only names of this machine are served, so that no page can reach it under a name of its own.
 */
export const makeGuard = (settings: Needs) => {
  const token = Option.map(settings.apiToken, (secret) => digest(`Bearer ${Redacted.value(secret)}`))
  const takes = makeLimiter(settings.rateLimit)

  return (request: Request, url: URL, client: string): Refusal | undefined => {
    const isOpen = Option.isNone(token) && !settings.allowAnonymous
    if (isOpen && !isLoopback(url.hostname)) {
      return refuse(403, "Without API_TOKEN this service answers only under the name localhost.")
    }
    const writes = request.method !== "GET" && request.method !== "HEAD"
    if (!writes && !COSTLY.test(url.pathname)) return undefined
    const origin = request.headers.get("origin")
    if (origin !== null && URL.parse(origin)?.host !== url.host && !settings.corsOrigins.includes(origin)) {
      return refuse(403, "This web page's origin is not in CORS_ORIGINS.")
    }
    const sent = digest(request.headers.get("authorization") ?? "")
    if (Option.isSome(token) && !timingSafeEqual(sent, token.value)) {
      return refuse(401, "A token is needed: send it as Authorization: Bearer <API_TOKEN>.")
    }
    if (!writes || !LIMITED.test(url.pathname)) return undefined
    const wait = takes(client, performance.now() / 1000)
    return wait === 0
      ? undefined
      : new Refusal({ status: 429, detail: `Too many requests: try again in ${wait} s.`, retryAfter: wait })
  }
}

// Digests are of one length, so comparing them takes one time.
const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

const MOST_CLIENTS = 10_000

/** A token bucket per client, a minute's worth deep. Gives 0 where one was taken, else the seconds to wait. */
export const makeLimiter = (perMinute: number) => {
  const buckets = new Map<string, { left: number; at: number }>()
  return (client: string, now: number): number => {
    const bucket = buckets.get(client) ?? { left: perMinute, at: now }
    const left = Math.min(perMinute, bucket.left + ((now - bucket.at) * perMinute) / 60)
    if (left < 1) return Math.ceil(((1 - left) * 60) / perMinute)
    // Deleted first, so that the map stays in the order of use, and forgets whoever has been quiet the longest.
    buckets.delete(client)
    buckets.set(client, { left: left - 1, at: now })
    if (buckets.size > MOST_CLIENTS) buckets.delete(buckets.keys().next().value!)
    return 0
  }
}
