import { expect, test } from "bun:test"
import { Option, Redacted } from "effect"
import { safeName } from "../../src/service/acceptUpload.ts"
import { isLoopback, makeGuard, makeLimiter } from "../../src/service/guard.ts"

const TOKEN = "a-token-of-the-service"
const guardWith = (settings: Partial<Parameters<typeof makeGuard>[0]> = {}) => {
  const guard = makeGuard({
    apiToken: Option.none(),
    allowAnonymous: false,
    corsOrigins: ["https://friend.example"],
    rateLimit: 2,
    ...settings
  })
  return (method: string, address: string, headers: Record<string, string> = {}, client = "a") =>
    guard(new Request(address, { method, headers }), new URL(address), client)?.status
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
  expect(guard("GET", "http://ours.example/status")).toBeUndefined()
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
  expect([predict("a"), predict("a"), predict("a"), predict("b")]).toEqual([undefined, undefined, 429, undefined])
  expect(guard("POST", "http://localhost/retrain", {}, "a")).toBeUndefined()
})

test("a client that waits as long as told may go on", () => {
  const take = makeLimiter(60)
  for (let request = 0; request < 60; request++) expect(take("a", 0)).toBe(0)
  const wait = take("a", 0)
  expect(wait).toBe(1)
  expect(take("a", wait)).toBe(0)
  expect(take("a", wait)).toBe(1)
})

test("clients beyond number take no more memory", () => {
  const take = makeLimiter(5)
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
