import { expect, test } from "bun:test"
import { Option, Redacted } from "effect"
import { safeName } from "../../src/service/acceptUpload.ts"
import { isLoopback, makeGuard } from "../../src/service/guard.ts"
import { makeLimiter } from "../../src/service/limiter.ts"
import { makeProxies } from "../../src/service/proxies.ts"
import { makeRoutes } from "../../src/service/routes.ts"
import { pathOf, routeTable } from "../../src/service/routeTable.ts"

const TOKEN = "a-token-of-the-service"
const routes = makeRoutes(() => Promise.reject(new Error("Nothing is carried out here.")))
const find = routeTable(routes)

interface Given extends Partial<Parameters<typeof makeGuard>[0]> {
  readonly trustedProxies?: ReadonlyArray<string>
}

const refusalsWith = ({ trustedProxies = [], ...settings }: Given = {}) => {
  const askerOf = makeProxies(trustedProxies)
  const guard = makeGuard({
    apiToken: Option.none(),
    allowAnonymous: false,
    corsOrigins: ["https://friend.example"],
    rateLimit: 2,
    ...settings
  })
  return (method: string, address: string, headers: Record<string, string> = {}, peer = "192.0.2.1") => {
    const { host, pathname } = new URL(address)
    const all = new Headers({ host, ...headers })
    return guard({ headers: all }, find(method, pathname), askerOf(all, peer))
  }
}

const guardWith = (given?: Given) => {
  const guard = refusalsWith(given)
  return (...asked: Parameters<typeof guard>) => guard(...asked)?.status
}

test("with a token, what writes or costs needs it", () => {
  const guard = guardWith({ apiToken: Option.some(Redacted.make(TOKEN)) })
  const bearer = { authorization: `Bearer ${TOKEN}` }
  for (const path of ["/predict", "/upload", "/retrain", "/runs/x/cancel", "/models/x/promote"]) {
    expect(guard("POST", `http://ours.example${path}`)).toBe(401)
    expect(guard("POST", `http://ours.example${path}`, { authorization: `Bearer ${TOKEN}x` })).toBe(401)
    expect(guard("POST", `http://ours.example${path}`, { authorization: TOKEN })).toBe(401)
    expect(guard("POST", `http://ours.example${path}`, bearer)).toBeUndefined()
  }
  expect(guard("GET", "http://ours.example/clips")).toBe(401)
  expect(guard("GET", "http://ours.example/clips/audio?key=x", bearer)).toBeUndefined()
  expect(guard("GET", "http://ours.example/clips/audio?key=x", { authorization: `bearer ${TOKEN}` })).toBeUndefined()
  expect(guard("GET", "http://ours.example/status")).toBeUndefined()
  for (const path of ["/workers", "/review", "/map"]) expect(guard("GET", `http://ours.example${path}`)).toBe(401)
})

test("without a token only this machine's names are served", () => {
  const guard = guardWith()
  expect(guard("GET", "http://localhost:8000/status")).toBeUndefined()
  expect(guard("POST", "http://127.0.0.1:8000/retrain")).toBeUndefined()
  expect(guard("GET", "http://rebound.example:8000/status")).toBe(403)
  expect(guardWith({ allowAnonymous: true })("POST", "http://ours.example/retrain")).toBeUndefined()
})

test("web pages of other origins may send nothing that writes", () => {
  const guard = guardWith()
  expect(guard("POST", "http://localhost:8000/retrain", { origin: "https://evil.example" })).toBe(403)
  expect(guard("POST", "http://localhost:8000/retrain", { origin: "null" })).toBe(403)
  expect(guard("POST", "http://localhost:8000/retrain", { origin: "http://localhost:3000" })).toBe(403)
  expect(guard("POST", "http://localhost:8000/retrain", { origin: "http://localhost:8000" })).toBeUndefined()
  expect(guard("POST", "http://localhost:8000/retrain", { origin: "https://friend.example" })).toBeUndefined()
})

test("predictions and uploads are limited, each client by itself", () => {
  const guard = guardWith()
  const predict = (client: string) => guard("POST", "http://localhost/predict", {}, client)
  const [one, other] = ["192.0.2.1", "192.0.2.2"]
  expect([predict(one), predict(one), predict(one), predict(other)]).toEqual([undefined, undefined, 429, undefined])
  expect(guard("POST", "http://localhost/retrain", {}, one)).toBeUndefined()
})

test("however a limited path is written, it is limited or there is nothing", () => {
  for (const path of ["/predict/", "/predict?unknown=true", "/./predict", "/x/../predict"]) {
    const guard = guardWith()
    const ask = () => guard("POST", `http://localhost${path}`)
    expect([path, ask(), ask(), ask()]).toEqual([path, undefined, undefined, 429])
  }
  for (const path of ["//predict", "/PREDICT", "/%70redict", "/predict%2F", "/predict;x", "/predict//", "/predict/x"]) {
    expect([path, guardWith()("POST", `http://localhost${path}`)]).toEqual([path, 404])
  }
})

test("the guard reads a path as the web framework does, letter for letter", () => {
  const paths = {
    "http://localhost/a?b=/c": "/a",
    "http://ab/runs/clips": "/runs/clips",
    "http://localhost/models/x#/files": "/models/x#/files",
    "http://localhost/": "/"
  }
  for (const [url, path] of Object.entries(paths)) expect(pathOf({ url })).toBe(path)
})

test("a path by another method is refused with the methods that it has", () => {
  const guard = refusalsWith()
  const allowed = (method: string, path: string) => {
    const refusal = guard(method, `http://localhost${path}`)
    return [refusal?.status, refusal?.allowed]
  }
  expect(allowed("GET", "/predict")).toEqual([405, ["POST"]])
  expect(allowed("DELETE", "/review")).toEqual([405, ["GET", "HEAD", "POST"]])
  expect(allowed("POST", "/models/x")).toEqual([405, ["GET", "HEAD"]])
  expect(allowed("HEAD", "/status")).toEqual([undefined, undefined])
})

test("a route that needs the token tells of 401, and one that is open does not", () => {
  const told = routes.routes.map(({ method, path, hooks }) => {
    const isOpen = find(method, path).route!.isOpen
    const responses = Object.keys({ ...hooks.response, ...hooks.detail?.responses })
    return [`${method} ${path}`, isOpen, !responses.includes("401")]
  })
  expect(told.filter(([, isOpen, tellsNothing]) => isOpen !== tellsNothing)).toEqual([])
  expect(told.filter(([route, isOpen]) => isOpen && !String(route).startsWith("GET "))).toEqual([])
})

test("two hosts are refused", () => {
  const guard = guardWith({ allowAnonymous: true })
  expect(guard("GET", "http://localhost/status", { host: "localhost, evil.example" })).toBe(400)
})

test("who has the token is limited as one, wherever it asks from", () => {
  const guard = guardWith({ apiToken: Option.some(Redacted.make(TOKEN)) })
  const bearer = { authorization: `Bearer ${TOKEN}` }
  const predict = (peer: string) => guard("POST", "http://ours.example/predict", bearer, peer)
  expect([predict("192.0.2.1"), predict("192.0.2.2"), predict("192.0.2.3")]).toEqual([undefined, undefined, 429])
})

test("wrong tokens are slowed, each address by itself, and then a right one, too", () => {
  const guard = guardWith({ apiToken: Option.some(Redacted.make(TOKEN)) })
  const clips = (authorization: string, peer: string) =>
    guard("GET", "http://ours.example/clips", { authorization: `Bearer ${authorization}` }, peer)
  const guesses = Array.from({ length: 30 }, (_, at) => clips(`guess-${at}`, "192.0.2.1"))
  expect([...new Set(guesses)]).toEqual([401, 429])
  expect(clips(TOKEN, "192.0.2.1")).toBe(429)
  expect(clips(TOKEN, "192.0.2.2")).toBeUndefined()
  expect(guard("GET", "http://ours.example/status", { authorization: `Bearer ${TOKEN}` }, "192.0.2.1")).toBe(429)
  expect(guard("GET", "http://ours.example/status", { authorization: "Basic YTpi" }, "192.0.2.1")).toBeUndefined()
  // Who sends none has guessed nothing.
  expect(guard("GET", "http://ours.example/clips", {}, "192.0.2.1")).toBe(401)
  // Addresses of one IPv6 network are one client's.
  const many = Array.from({ length: 30 }, (_, at) => clips(`guess-${at}`, `2001:db8:0:1::${at}`))
  expect(many.at(-1)).toBe(429)
  expect(clips(TOKEN, "2001:db8:0:2::1")).toBeUndefined()
})

const PROXIED = { trustedProxies: ["127.0.0.1", "10.0.0.0/8", "::1"] }

test("only trusted proxies are believed who asks", () => {
  const asker = (forwarded: string, peer: string) =>
    makeProxies(PROXIED.trustedProxies)(new Headers({ host: "x", "x-forwarded-for": forwarded }), peer).client
  expect(asker("203.0.113.9", "127.0.0.1")).toBe("203.0.113.9")
  expect(asker("203.0.113.9", "::ffff:127.0.0.1")).toBe("203.0.113.9")
  // The last that is no proxy's own: a client may have sent what comes before.
  expect(asker("8.8.8.8, 203.0.113.9, 10.1.2.3", "127.0.0.1")).toBe("203.0.113.9")
  expect(asker("203.0.113.9:4711", "10.0.0.1")).toBe("203.0.113.9")
  expect(asker("[2001:db8::1]:4711", "::1")).toBe("2001:db8:0:0::/64")
  expect(asker("10.0.0.9", "127.0.0.1")).toBe("10.0.0.9")
  for (const wrong of ["", "nobody", "8.8.8.8, <b>", "8.8.8.8, unknown"])
    expect(asker(wrong, "10.0.0.1")).toBe("10.0.0.1")
  expect(asker("203.0.113.9", "192.0.2.1")).toBe("192.0.2.1")
})

test("a page behind a trusted proxy may write, though the proxy tells no port; any other may not", () => {
  const origin = { origin: "http://localhost:8080" }
  const guard = guardWith(PROXIED)
  expect(guard("POST", "http://localhost/retrain", origin, "127.0.0.1")).toBeUndefined()
  expect(guard("POST", "http://localhost/retrain", origin, "192.0.2.1")).toBe(403)
  expect(guardWith()("POST", "http://localhost/retrain", origin, "127.0.0.1")).toBe(403)
  expect(guard("POST", "http://localhost/retrain", { origin: "http://evil.example" }, "127.0.0.1")).toBe(403)
  // A proxy that tells the port is taken at its word.
  const forwarded = { "x-forwarded-host": "localhost:8080" }
  expect(guard("POST", "http://127.0.0.1:8000/retrain", { ...origin, ...forwarded }, "127.0.0.1")).toBeUndefined()
  const another = { origin: "http://localhost:3000" }
  expect(guard("POST", "http://127.0.0.1:8000/retrain", { ...another, ...forwarded }, "127.0.0.1")).toBe(403)
  // A name that was bound to this machine's address.
  const rebound = { origin: "http://evil.example", host: "evil.example", "x-forwarded-host": "localhost" }
  expect(guard("POST", "http://localhost/retrain", rebound, "127.0.0.1")).toBe(403)
  const reboundAt = { origin: "http://evil.example", "x-forwarded-host": "evil.example" }
  expect(guard("POST", "http://localhost/retrain", reboundAt, "127.0.0.1")).toBe(403)
})

test("with a token, a page behind TLS is the service's own", () => {
  const guard = guardWith({ apiToken: Option.some(Redacted.make(TOKEN)) })
  const page = { origin: "https://ours.example", authorization: `Bearer ${TOKEN}` }
  expect(guard("POST", "http://ours.example/retrain", page)).toBeUndefined()
  expect(guard("POST", "http://ours.example/retrain", { ...page, host: "ours.example:443" })).toBeUndefined()
  expect(guard("POST", "http://ours.example/retrain", { ...page, origin: "app://ours.example" })).toBe(403)
})

test("a client that waits as long as told may go on", () => {
  const { take } = makeLimiter(60)
  for (let request = 0; request < 60; request++) expect(take("a", 0)).toBe(0)
  const wait = take("a", 0)
  expect(wait).toBe(1)
  expect(take("a", wait)).toBe(0)
  expect(take("a", wait)).toBe(1)
})

test("clients beyond number take no more memory", () => {
  const { take } = makeLimiter(5)
  for (let client = 0; client < 30_000; client++) expect(take(String(client), client / 1000)).toBe(0)
})

test("addresses of this machine are told from others", () => {
  for (const host of ["localhost", "127.0.0.1", "127.8.0.1", "::1", "[::1]"]) expect(isLoopback(host)).toBeTrue()
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.example"]) {
    expect(isLoopback(host)).toBeFalse()
  }
})

test("a safe name keeps letters of any script and the ending, and fits", () => {
  expect(safeName("../../dog bark.WAV")).toBe("dog_bark.WAV")
  expect(safeName("C:\\sounds\\цапля 1.mp3")).toBe("цапля_1.mp3")
  expect(safeName("<img src=x>.wav")).toBe("img_src_x_.wav")
  expect(safeName(".hidden")).toBe("hidden")
  expect(safeName("///")).toBe("recording")
  const long = safeName(`${"鳥".repeat(300)}.flac`)
  expect(long).toEndWith(".flac")
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(160)
})

test("a name of megabytes is cut ahead of anything that takes as long as it is", () => {
  const safe = safeName(`${"🐕".repeat(100)}${"鳥".repeat(2_000_000)}.flac`)
  expect(safe).toEndWith("鳥.flac")
  expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(160)
})
