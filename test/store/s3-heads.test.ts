import { describe, expect, test } from "bun:test"
import { Effect, Logger, Option, Stream } from "effect"
import { failFirst, type S3Server, s3Error, startS3Server } from "../../bench/s3/server.ts"
import { s3Store } from "../../src/store/s3.ts"
import type { S3Settings } from "../../src/store/s3-connection.ts"
import type { StoreError } from "../../src/store/store.ts"
import { impatient, settingsFor } from "../support/stores.ts"

// What the heads of answers say of an object, by servers and by the proxies before them.

const BYTES = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7) % 256)
const OTHERS = BYTES.map((byte) => byte ^ 1)
const md5 = (bytes: Uint8Array) => new Bun.CryptoHasher("md5").update(bytes).digest("hex")

const run = <A>(effect: Effect.Effect<A, StoreError>) =>
  Effect.runPromise(effect.pipe(Effect.provide(Logger.layer([]))))
const failureOf = (effect: Effect.Effect<unknown, StoreError>) => run(Effect.orDie(Effect.flip(effect)))

const open = (server: { readonly endpoint: string }, settings: Partial<S3Settings> = {}) =>
  s3Store({ ...settingsFor(server.endpoint), ...settings }, "recordings", "", impatient)

/** Passes everything on, but changes the heads of answers to `methods`. */
const startProxy = (server: S3Server, methods: ReadonlyArray<string>, change: (headers: Headers) => void) => {
  const proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url)
      const { method, headers } = request
      const body = method === "PUT" ? { body: await request.arrayBuffer() } : {}
      const answer = await fetch(server.endpoint + pathname + search, { method, headers, ...body })
      const changed = new Headers(answer.headers)
      if (methods.includes(method)) change(changed)
      return new Response(await answer.arrayBuffer(), { status: answer.status, headers: changed })
    }
  })
  return { endpoint: `http://127.0.0.1:${proxy.port}`, [Symbol.dispose]: () => void proxy.stop(true) }
}

describe("a Content-Encoding", () => {
  for (const encoding of ["gzip", "br", "deflate", "zstd", "aws-chunked", "utf-8"]) {
    test(`is no business of whoever reads what was stored: ${encoding}`, async () => {
      using server = startS3Server()
      server.bucket.set("k", { bytes: BYTES, etag: `"${md5(BYTES)}"` })
      using proxy = startProxy(server, ["GET"], (headers) => headers.set("content-encoding", encoding))
      const store = open(proxy)
      expect((await run(store.get("k"))).bytes).toEqual(BYTES)
      expect(await run(store.getRange("k", 5, 50))).toEqual(BYTES.slice(5, 50))
    })
  }

  test("is asked for by nobody, so that no proxy compresses what it passes on", async () => {
    using server = startS3Server()
    await run(open(server).put("k", BYTES))
    await run(open(server).get("k"))
    expect(server.requests.map(({ headers }) => headers.get("accept-encoding"))).toEqual([null, null])
  })
})

describe("a web page with HTTP 200, in the server's place,", () => {
  const page = () => new Response("<html>Log in</html>", { headers: { "content-type": "text/html" } })
  for (const [name, ask, answer] of [
    ["an object", (store) => Effect.map(store.get("k"), ({ bytes }) => bytes), BYTES],
    ["a piece of one", (store) => store.getRange("k", 5, 50), BYTES.slice(5, 50)],
    ["its head", (store) => Effect.map(store.find("k"), Option.isSome), true],
    ["a listing", (store) => Effect.map(Stream.runCollect(store.list("")), ({ length }) => length), 1],
    ["what was written", (store) => Effect.map(store.put("k", OTHERS), ({ key }) => key), "k"],
    ["what was removed", (store) => store.remove("k"), undefined]
  ] as const satisfies ReadonlyArray<
    readonly [string, (store: ReturnType<typeof open>) => Effect.Effect<unknown, StoreError>, unknown]
  >) {
    test(`is no answer about ${name}: it is asked again`, async () => {
      using server = startS3Server()
      server.bucket.set("k", { bytes: BYTES, etag: `"${md5(BYTES)}"` })
      server.fault = failFirst(2, page)
      expect(await run(ask(open(server)) as Effect.Effect<unknown, StoreError>)).toEqual(answer)
      expect(server.requests).toHaveLength(3)
      server.fault = page
      expect(await failureOf(ask(open(server)))).toMatchObject({
        reason: "invalid",
        message: `${server.endpoint} does not answer as S3 does: check AWS_ENDPOINT_URL_S3.`
      })
    })
  }
})

test("credentials that have expired are not taken for a missing permission to remove", async () => {
  using server = startS3Server()
  server.fault = () => s3Error(400, "ExpiredToken")
  expect((await failureOf(open(server).remove("k"))).message).toBe("The credentials have expired: renew them.")
})

describe("an ETag", () => {
  const change = (form: (etag: string) => string) => (headers: Headers) => {
    const etag = headers.get("etag")
    if (etag !== null) headers.set("etag", form(etag))
  }
  for (const [name, form] of [
    ["weak", (etag: string) => `W/${etag}`],
    ["without quotes", (etag: string) => etag.replaceAll('"', "")],
    ["empty", () => '""']
  ] as const) {
    for (const methods of [["GET"], ["GET", "HEAD", "PUT"]]) {
      test(`is the version that a write asks for: ${name} in the answer to ${methods.join(", ")}`, async () => {
        using server = startS3Server()
        using proxy = startProxy(server, methods, change(form))
        const store = open(proxy)
        await run(store.put("k", BYTES, { ifNoneMatch: "*" }))
        const { etag } = await run(store.get("k"))
        expect(etag).toBe(md5(BYTES))
        await run(store.put("k", OTHERS, { ifMatch: etag }))
        expect(server.bucket.get("k")?.bytes).toEqual(OTHERS)
        expect((await failureOf(store.put("k", BYTES, { ifMatch: etag }))).reason).toBe("conflict")
      })
    }
  }

  test("that is empty in a listing is none", async () => {
    using server = startS3Server()
    server.bucket.set("k", { bytes: BYTES, etag: '""', modified: new Date(5000) })
    const [listed] = await run(Stream.runCollect(open(server).list("")))
    expect(listed?.etag).toBe("5 s, 20000 bytes")
    expect(await run(open(server).find("k"))).toEqual(Option.some(listed!))
  })

  const tagged = change((etag) => etag.replace(/"$/, '-gzip"'))

  test("that a server does not take back is told of, and never taken for another writer", async () => {
    using server = startS3Server()
    using proxy = startProxy(server, ["GET", "HEAD", "PUT"], tagged)
    const store = open(proxy)
    const { etag } = await run(store.put("k", BYTES, { ifNoneMatch: "*" }))
    const { reason, message } = await failureOf(store.put("k", OTHERS, { ifMatch: etag }))
    expect(reason).toBe("invalid")
    expect(message).toStartWith(`${proxy.endpoint} gives other ETags than it takes in conditional writes`)
    expect(server.bucket.get("k")?.bytes).toEqual(BYTES)
  })

  test("of such a server is looked at before each write, where that is allowed", async () => {
    using server = startS3Server()
    using proxy = startProxy(server, ["GET", "HEAD", "PUT"], tagged)
    const store = open(proxy, { allowUnconditionalWrites: true })
    const { etag } = await run(store.put("k", BYTES, { ifNoneMatch: "*" }))
    await run(store.put("k", OTHERS, { ifMatch: etag }))
    expect(server.bucket.get("k")?.bytes).toEqual(OTHERS)
    expect((await failureOf(store.put("k", BYTES, { ifMatch: etag }))).reason).toBe("conflict")
  })
})
