import { describe, expect, test } from "bun:test"
import { Effect, Result } from "effect"
import { type S3Server, s3Error, startS3Server } from "../../bench/s3/server.ts"
import { frontEnd } from "../../src/embedder/yamnet/frontEnd.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { CURRENT_KEY, RECORDINGS_PREFIX, recordingKey } from "../../src/store/keys.ts"
import { s3Store } from "../../src/store/s3.ts"
import type { Patience } from "../../src/store/s3-patience.ts"
import { Store } from "../../src/store/store.ts"
import { type FaultKind, type Passing, startFaultProxy } from "../support/faultProxy.ts"
import { fill, json, runOn, smallCorpus, succeed } from "../support/runWorld.ts"
import { settingsFor } from "../support/stores.ts"

// What real stores and networks do to a run: it ends with the vectors of one that nobody disturbed, or with a sentence and
// nothing lost.

/** A minute's outage and the patience with it, at a hundredth. */
const quick: Patience = { silence: 500, total: 30_000, pause: 2 }
const hasty: Patience = { silence: 500, total: 0, pause: 1 }

const CORPUS = smallCorpus()
const [FIRST] = [...CORPUS.keys()]

const open = ({ endpoint }: { readonly endpoint: string }, patience = quick) =>
  s3Store(settingsFor(endpoint), "recordings", "", patience)

const serverOf = async () => {
  const server = startS3Server({ pageSize: 4 })
  await fill(open(server), CORPUS)
  return server
}

/** Every stored vector by recording and variant. */
const vectorsIn = async (server: S3Server) => {
  const parts = [...server.bucket.keys()].filter((key) => /^embeddings\/(?!seen)[^/]+\/[^/]+$/.test(key))
  const { decodePart } = await import("../../src/embeddings/part.ts")
  const { nameOf } = await import("../../src/embeddings/parts.ts")
  const decoded = await Promise.all(
    parts.map((part) =>
      Effect.runPromise(decodePart(part, nameOf(part), server.bucket.get(part)!.bytes, frontEnd.vectors))
    )
  )
  return Object.fromEntries(
    decoded
      .flat()
      .flatMap(({ contentHash, variants }) =>
        variants.map(({ draw, vector }) => [
          `${contentHash} ${draw.variant}`,
          new Bun.CryptoHasher("md5").update(vector).digest("hex")
        ])
      )
      .sort()
  )
}

const undisturbed = (async () => {
  using server = await serverOf()
  const summary = await succeed(open(server))
  return { summary, vectors: await vectorsIn(server) }
})()

const isRecording = ({ method, path }: Passing) => method === "GET" && path.includes(`/${RECORDINGS_PREFIX}`)
const isListing = ({ method, path }: Passing) => method === "GET" && path.includes("list-type")
const isRead = (request: Passing) => request.method === "GET" && !isListing(request)
const isWrite = ({ method }: Passing) => method === "PUT"
const isAny = () => true
const isPointer = ({ method, path }: Passing) => method === "PUT" && path.includes(CURRENT_KEY)

/** Strikes each request the first time that it is sent. */
const first = (strikes: (request: Passing) => boolean) => {
  const sent = new Set<string>()
  return (request: Passing) => {
    const name = `${request.method} ${request.path}`
    if (sent.has(name) || !strikes(request)) return false
    sent.add(name)
    return true
  }
}

describe("a run ends with the vectors of one that nobody disturbed", () => {
  for (const [kind, where, strikes, times] of [
    ["flip", "all that is read", first(isRead), 1000],
    ["flip the upload", "all that is written", first(isWrite), 1000],
    ["cut", "anything", first(isAny), 1000],
    ["short", "all that is read", first(isRead), 1000],
    ["broken XML", "listings", first(isListing), 1000],
    ["broken error", "anything", first(isAny), 1000],
    ["reset", "anything", first(isAny), 1000],
    ["lost answer", "anything", first(isAny), 1000],
    ["lost answer", "the pointer, twice", isPointer, 2],
    ["503", "anything, for a while", isAny, 7],
    ["stall", "recordings", first(isRecording), 3],
    ["slow", "anything", isAny, 1000],
    ["doubled listing", "listings", isListing, 1000],
    ["stale listing", "listings", isListing, 1000],
    ["no ETag", "anything", isAny, 100_000],
    ["skewed clock", "anything", isAny, 3]
  ] as const satisfies ReadonlyArray<readonly [FaultKind, string, (request: Passing) => boolean, number]>) {
    test(`${kind}: ${where}`, async () => {
      using server = await serverOf()
      await using proxy = await startFaultProxy(server.endpoint)
      proxy.faults.push({ kind, strikes, times })
      const { vectors, summary } = await undisturbed
      const ran = await succeed(open(proxy))
      expect(proxy.struck).toBeGreaterThan(0)
      expect(await vectorsIn(server)).toEqual(vectors)
      expect(ran).toMatchObject({ recordings: 10, embedded: 10, promoted: true, holdout: summary.holdout })
      expect(await json(open(server), CURRENT_KEY)).toMatchObject({ runId: ran.runId })
    })
  }
})

describe("a run ends with one sentence, and loses nothing,", () => {
  for (const [kind, strikes, sentence] of [
    ["flip", isRecording, /has not given 10 recordings, such as .* What was embedded is kept/],
    ["no conditions", isAny, / ignores conditional writes/],
    ["503", isAny, / fails \(HTTP 503, SlowDown/],
    ["skewed clock", isAny, /This machine's clock differs too much/]
  ] as const satisfies ReadonlyArray<readonly [FaultKind, (request: Passing) => boolean, RegExp]>) {
    test(`where this never ends: ${kind}`, async () => {
      using server = await serverOf()
      await using proxy = await startFaultProxy(server.endpoint)
      proxy.faults.push({ kind, strikes, times: 1_000_000 })
      const { result } = await runOn(open(proxy, hasty))
      expect(Result.isFailure(result) && result.failure.message).toMatch(sentence)
      expect(server.bucket.has(CURRENT_KEY)).toBe(false)
      expect(await succeed(open(server))).toMatchObject({ recordings: 10, promoted: true })
    })
  }
})

test("what the store does not give at first is tried again at the end", async () => {
  using server = await serverOf()
  let left = 3
  server.fault = ({ method, key }) =>
    method === "GET" && key === FIRST && left-- > 0 ? s3Error(503, "SlowDown") : undefined
  expect(await succeed(open(server, hasty))).toMatchObject({ recordings: 10, skipped: [], promoted: true })
  const { vectors } = await undisturbed
  expect(await vectorsIn(server)).toEqual(vectors)
})

describe("a listing that is damaged unnoticed costs no recording:", () => {
  const page = (keys: ReadonlyArray<string>) =>
    new Response(
      `<ListBucketResult><IsTruncated>false</IsTruncated>${keys
        .map((key) => `<Contents><Key>${key}</Key><ETag>"${"b".repeat(32)}"</ETag><Size>99</Size></Contents>`)
        .join("")}</ListBucketResult>`
    )
  for (const [damage, listed] of [
    ["a key is another", [FIRST!.replace("dog_bark", "dog_bars"), ...[...CORPUS.keys()].slice(1)]],
    ["its end is missing", [...CORPUS.keys()].slice(0, 4)],
    ["it has nothing", []]
  ] as const) {
    test(damage, async () => {
      using server = await serverOf()
      let listings = 0
      server.fault = ({ query }) =>
        query.get("prefix") === RECORDINGS_PREFIX && !query.has("continuation-token") && ++listings === 2
          ? page(listed)
          : undefined
      const { vectors, summary } = await undisturbed
      const ran = await succeed(open(server))
      expect(await vectorsIn(server)).toEqual(vectors)
      expect(ran).toMatchObject({ recordings: 10, embedded: 10, promoted: true, holdout: summary.holdout })
    })
  }
})

for (const [status, code] of [
  [400, "ExpiredToken"],
  [403, "SignatureDoesNotMatch"],
  [404, "NoSuchBucket"]
] as const) {
  test(`what is wrong with the store for a while costs no recording: ${code}`, async () => {
    using server = await serverOf()
    let left = 1
    server.fault = ({ method, key }) =>
      method === "GET" && key === FIRST && left-- > 0 ? s3Error(status, code) : undefined
    expect(await succeed(open(server, hasty))).toMatchObject({ recordings: 10, skipped: [], promoted: true })
    const { vectors } = await undisturbed
    expect(await vectorsIn(server)).toEqual(vectors)
  })

  test(`what stays wrong with the store ends the run, and leaves no recording out: ${code}`, async () => {
    using server = await serverOf()
    server.fault = ({ method, key }) => (method === "GET" && key === FIRST ? s3Error(status, code) : undefined)
    const { result } = await runOn(open(server, hasty))
    expect(Result.isFailure(result) && result.failure.message).toStartWith(`s3://recordings has not given ${FIRST}`)
    expect(server.bucket.has(CURRENT_KEY)).toBe(false)
  })
}

test("a recording that the store cannot give ends the run instead of being left out for good", async () => {
  using server = await serverOf()
  const first = await succeed(open(server))
  await fill(open(server), [[recordingKey("dog_bark", "new.wav"), CORPUS.get(FIRST!)!.slice(0, -100)]])
  server.fault = ({ method, key }) =>
    method === "GET" && key.endsWith("new.wav") ? s3Error(500, "InternalError") : undefined
  const { result, events } = await runOn(open(server, hasty))
  expect(Result.isFailure(result) && result.failure.message).toBe(
    "s3://recordings has not given extracted_audio/dog_bark/new.wav, not even when it was asked again at the end. " +
      "What was embedded is kept; start again once it can be read."
  )
  expect(events).toContainEqual(expect.objectContaining({ stage: "skip", key: "extracted_audio/dog_bark/new.wav" }))
  expect(await json(open(server), CURRENT_KEY)).toMatchObject({ runId: first.runId })
})

test("a store that lists no ETags embeds once, and reads again only what changed", async () => {
  using server = await serverOf()
  await using proxy = await startFaultProxy(server.endpoint)
  proxy.faults.push({ kind: "no ETag", strikes: isListing, times: 1_000_000 })
  await succeed(open(proxy))
  const readSince = () =>
    server.requests.filter(({ method, key }) => method === "GET" && key.startsWith(RECORDINGS_PREFIX))
  server.requests.length = 0
  expect(await succeed(open(proxy))).toMatchObject({ embedded: 0, reused: 10 })
  expect(readSince()).toEqual([])
  server.bucket.set(FIRST!, { ...server.bucket.get(FIRST!)!, modified: new Date(0) })
  expect(await succeed(open(proxy))).toMatchObject({ embedded: 0, reused: 10 })
  expect(readSince().map(({ key }) => key)).toEqual([FIRST!])
})

test("runs go on where nothing may be removed, and say which permission is missing", async () => {
  using server = await serverOf()
  server.fault = ({ method }) => (method === "DELETE" ? s3Error(403, "AccessDenied") : undefined)
  for (let i = 0; i < 2; i++) expect(await succeed(open(server))).toMatchObject({ recordings: 10 })
  const on = Effect.provide(Embeddings.layerWith({ small: 1e6, least: 1, merged: 1e6 }))
  const recipe = [...server.bucket.keys()].find((key) => key.startsWith("embeddings/"))!.split("/")[1]!
  const index = Embeddings.use(({ index }) => index({ id: recipe })).pipe(
    on,
    Effect.provideService(Store, open(server))
  )
  expect([...(await Effect.runPromise(index)).contents()]).toHaveLength(10)
})

test("audit copies that cannot be written do not end a run: they are counted", async () => {
  using server = await serverOf()
  server.fault = ({ method, key }) =>
    method === "PUT" && key.startsWith("augmented_audio/") ? s3Error(403, "AccessDenied") : undefined
  const { result } = await runOn(open(server))
  expect(Result.isSuccess(result) && result.success).toMatchObject({ recordings: 10, promoted: true })
})
