import { expect, test } from "bun:test"
import { Effect, Fiber, Option, Redacted, Stream } from "effect"
import { failFirst, type S3Server, s3Error, startS3Server } from "../../bench/s3/server.ts"
import { s3Store } from "../../src/store/s3.ts"
import type { S3Settings } from "../../src/store/s3-connection.ts"
import type { StoreError } from "../../src/store/store.ts"
import { startBreakingProxy } from "../support/proxy.ts"
import { impatient, settingsFor } from "../support/stores.ts"

const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256)

const run = <A>(effect: Effect.Effect<A, StoreError>) => Effect.runPromise(effect)
const failureOf = (effect: Effect.Effect<unknown, StoreError>) => run(Effect.orDie(Effect.flip(effect)))

const open = (server: { readonly endpoint: string }, settings: Partial<S3Settings> = {}, bucket = "recordings") =>
  s3Store({ ...settingsFor(server.endpoint), ...settings }, bucket, "", impatient)

const withKeys = (count: number, options?: Parameters<typeof startS3Server>[0]): S3Server => {
  const server = startS3Server(options)
  for (let i = 0; i < count; i++) {
    server.bucket.set(`k${String(i).padStart(6, "0")}`, { bytes: BYTES, etag: `"etag-${i}"` })
  }
  return server
}

for (const [status, code] of [
  [500, "InternalError"],
  [503, "SlowDown"],
  [429, "TooManyRequests"],
  [400, "RequestTimeout"],
  [409, "ConditionalRequestConflict"],
  [400, "BadDigest"]
] as const) {
  test(`tries again after HTTP ${status} ${code}`, async () => {
    using server = withKeys(1)
    const store = open(server)
    server.fault = failFirst(2, () => s3Error(status, code))
    expect((await run(store.get("k000000"))).bytes).toEqual(BYTES)
    server.fault = failFirst(2, () => s3Error(status, code))
    expect(await run(Stream.runCollect(store.list("")))).toHaveLength(1)
    server.fault = failFirst(2, () => s3Error(status, code))
    await run(store.put("new", BYTES))
    expect(server.bucket.get("new")?.bytes).toEqual(BYTES)
  })
}

test("gives up after so many retries, and says what the server said", async () => {
  using server = withKeys(1)
  const store = open(server)
  server.fault = () => s3Error(503, "SlowDown", "Please reduce your request rate.")
  const before = server.requests.length
  expect(await failureOf(store.get("k000000"))).toMatchObject({
    reason: "unreachable",
    key: "k000000",
    message: `${server.endpoint} fails (HTTP 503, SlowDown: Please reduce your request rate.).`
  })
  expect(server.requests.length - before).toBe(3)
})

for (const how of ["reset", "end", "stall"] as const) {
  for (const [where, after] of [
    ["before the answer", 0],
    ["within the answer's head", 20],
    ["within the body", 100_000]
  ] as const) {
    test(`tries again when a connection is lost ${where} (${how})`, async () => {
      using server = withKeys(1)
      await using proxy = await startBreakingProxy(server.endpoint)
      const store = open(proxy)
      proxy.breaks.push({ after, how })
      expect((await run(store.get("k000000"))).bytes).toEqual(BYTES)
      expect(proxy.connections).toBe(2)
    })
  }
}

test("a body that stalls for good fails with a sentence", async () => {
  using server = withKeys(1)
  await using proxy = await startBreakingProxy(server.endpoint)
  const store = open(proxy)
  for (let i = 0; i < 3; i++) proxy.breaks.push({ after: 100_000, how: "stall" })
  expect(await failureOf(store.get("k000000"))).toMatchObject({
    reason: "unreachable",
    message: `${proxy.endpoint} fell silent: no answer for 0.3 s.`
  })
})

test("a slow body is not a stalled one", async () => {
  using server = withKeys(1)
  const store = open(server)
  const chunks = 8
  server.fault = ({ method }) =>
    method === "GET"
      ? new Response(
          new ReadableStream({
            async pull(controller) {
              for (let i = 0; i < chunks; i++) {
                await Bun.sleep(impatient.silence / 4)
                controller.enqueue(new Uint8Array([i]))
              }
              controller.close()
            }
          }),
          { headers: { etag: '"slow"' } }
        )
      : undefined
  const before = server.requests.length
  expect(Array.from((await run(store.get("k000000"))).bytes)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(server.requests.length - before).toBe(1)
})

test("an interrupted read closes its connection and is not sent again", async () => {
  using server = withKeys(1)
  await using proxy = await startBreakingProxy(server.endpoint)
  const store = open(proxy)
  proxy.breaks.push({ after: 0, how: "stall" })
  const reading = Effect.runFork(store.get("k000000"))
  while (server.requests.length === 0) await Bun.sleep(1)
  await Effect.runPromise(Fiber.interrupt(reading))
  while (proxy.openSockets() > 0) await Bun.sleep(1)
  expect(server.requests).toHaveLength(1)
})

test("each way of being refused has its sentence, at once", async () => {
  using server = withKeys(1)
  const store = open(server)
  const refusals = [
    [403, "InvalidAccessKeyId", "denied", "does not know this access key: check AWS_ACCESS_KEY_ID."],
    [403, "SignatureDoesNotMatch", "denied", "refuses the secret key: check AWS_SECRET_ACCESS_KEY."],
    [400, "ExpiredToken", "denied", "The credentials have expired: renew them."],
    [400, "InvalidToken", "denied", "refuses the session token: check AWS_SESSION_TOKEN."],
    [
      403,
      "AccessDenied",
      "denied",
      "refuses access to s3://recordings/k000000 (HTTP 403, AccessDenied: AccessDenied)."
    ],
    [403, "InvalidObjectState", "denied", "s3://recordings/k000000 is archived: restore it first."],
    [404, "NoSuchBucket", "missing", 'There is no bucket "recordings" at'],
    [400, "AuthorizationHeaderMalformed", "invalid", 'The bucket "recordings" is in another region: set AWS_REGION'],
    [400, "KeyTooLongError", "invalid", "refuses the request for s3://recordings/k000000 (HTTP 400, KeyTooLongError"]
  ] as const
  for (const [status, code, reason, sentence] of refusals) {
    server.fault = () => s3Error(status, code)
    const before = server.requests.length
    const error = await failureOf(store.get("k000000"))
    expect(error.reason).toBe(reason)
    expect(error.message).toContain(sentence)
    expect(server.requests.length - before).toBe(1)
  }
})

test("a refusal without a body, as HEAD has it, is a refusal and not a missing object", async () => {
  using server = withKeys(1)
  server.fault = () => new Response(null, { status: 403 })
  expect(await failureOf(open(server).find("k000000"))).toMatchObject({
    reason: "denied",
    message: `${server.endpoint} refuses access to s3://recordings/k000000 (HTTP 403).`
  })
})

test("refused credentials and a missing bucket show in a listing too", async () => {
  using server = withKeys(1, { refused: "test" })
  const refused = open(server)
  expect(await failureOf(Stream.runDrain(refused.list("")))).toMatchObject({ reason: "denied" })
  using other = withKeys(1)
  const missing = open(other, {}, "nowhere")
  expect(await failureOf(Stream.runDrain(missing.list("extracted_audio/")))).toMatchObject({
    reason: "missing",
    message: `There is no bucket "nowhere" at ${other.endpoint}.`
  })
})

test("an address where nothing listens, and one that does not exist, are named", async () => {
  const closed = open({ endpoint: "http://127.0.0.1:1" })
  expect(await failureOf(closed.get("k"))).toMatchObject({
    reason: "unreachable",
    message: "Nothing listens at http://127.0.0.1:1: check AWS_ENDPOINT_URL_S3."
  })
  const unknown = open({ endpoint: "http://no-such-host.invalid" })
  expect((await failureOf(unknown.get("k"))).message).toStartWith(
    "The address http://no-such-host.invalid is not known"
  )
})

test("plain HTTP behind an https address fails at once", async () => {
  using server = startS3Server()
  const store = open({ endpoint: server.endpoint.replace("http", "https") })
  expect((await failureOf(store.get("k"))).message).toStartWith("No secure connection to https://127.0.0.1")
})

test("a web page is not taken for an empty bucket", async () => {
  using server = startS3Server()
  server.fault = () => new Response("<html><body>Console</body></html>", { headers: { "content-type": "text/html" } })
  const store = open(server)
  expect(await failureOf(Stream.runDrain(store.list("")))).toMatchObject({
    reason: "invalid",
    message: `${server.endpoint} does not answer as S3 does: check AWS_ENDPOINT_URL_S3.`
  })
})

test("a server that repeats its page for ever is left", async () => {
  using server = startS3Server()
  server.fault = () =>
    new Response(
      `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken></ListBucketResult>`
    )
  const store = open(server)
  expect(await failureOf(Stream.runDrain(store.list("")))).toMatchObject({ reason: "invalid" })
})

test("an upload carries its MD5, for the server to check", async () => {
  using server = startS3Server()
  await run(open(server).put("k", BYTES))
  const md5 = new Bun.CryptoHasher("md5").update(BYTES).digest("base64")
  expect(server.requests.at(-1)?.headers.get("content-md5")).toBe(md5)
})

test("pages are fetched as they are asked for", async () => {
  using server = withKeys(20, { pageSize: 5 })
  const store = open(server)
  await run(store.list("").pipe(Stream.take(6), Stream.runDrain))
  expect(server.requests).toHaveLength(2)
})

test("a listing goes on where it was when keys come and go between its pages", async () => {
  using server = withKeys(9, { pageSize: 3 })
  const store = open(server)
  server.fault = ({ query }) => {
    if (query.has("continuation-token")) {
      server.bucket.delete("k000002")
      server.bucket.delete("k000005")
      server.bucket.set("k0000000", { bytes: BYTES, etag: '"before"' })
      server.bucket.set("k0000061", { bytes: BYTES, etag: '"behind"' })
    }
    return undefined
  }
  const keys = await run(
    store.list("").pipe(
      Stream.map(({ key }) => key),
      Stream.runCollect
    )
  )
  const expected = ["k000000", "k000001", "k000002", "k000003", "k000004", "k000006", "k0000061", "k000007", "k000008"]
  expect(keys).toEqual(expected)
})

test("without credentials the sentence says how to give them", async () => {
  using server = startS3Server()
  const child = Bun.spawn(["bun", "-e", CREDENTIALS_PROBE, server.endpoint], {
    cwd: `${import.meta.dir}/../..`,
    env: { PATH: process.env.PATH, HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true" }
  })
  expect(await new Response(child.stdout).text()).toStartWith(
    "No credentials for s3://recordings: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
  )
})

// Apart, because the SDK looks into the environment of its process.
const CREDENTIALS_PROBE = `
  import { Effect, Option } from "effect"
  import { s3Store } from "./src/store/s3.ts"
  const settings = {
    endpoint: Option.some(process.argv[1]),
    region: Option.none(),
    credentials: Option.none(),
    caBundle: Option.none(),
    storePatience: 60
  }
  const store = s3Store(settings, "recordings")
  console.log((await Effect.runPromise(Effect.flip(store.get("k")))).message)
`

test("a session token is sent", async () => {
  using server = startS3Server()
  const store = open(server, {
    credentials: Option.some({
      accessKeyId: "temporary",
      secretAccessKey: Redacted.make("secret"),
      sessionToken: Option.some(Redacted.make("the-token"))
    })
  })
  await run(store.find("k"))
  expect(server.requests.at(-1)?.headers.get("x-amz-security-token")).toBe("the-token")
})
