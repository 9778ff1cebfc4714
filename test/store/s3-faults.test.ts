import { describe, expect, test } from "bun:test"
import { $ } from "bun"
import { Effect, Exit, Option, Stream } from "effect"
import { type S3Server, s3Error, startS3Server } from "../../bench/s3/server.ts"
import { s3Store } from "../../src/store/s3.ts"
import type { S3Settings } from "../../src/store/s3-connection.ts"
import type { Patience } from "../../src/store/s3-patience.ts"
import type { StoreError } from "../../src/store/store.ts"
import { type FaultKind, type FaultProxy, startFaultProxy } from "../support/faultProxy.ts"
import { impatient, settingsFor, temporaryFolder } from "../support/stores.ts"

const BYTES = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7) % 256)
const md5 = (bytes: Uint8Array) => new Bun.CryptoHasher("md5").update(bytes).digest("hex")

const run = <A>(effect: Effect.Effect<A, StoreError>) => Effect.runPromise(effect)
const failureOf = (effect: Effect.Effect<unknown, StoreError>) => run(Effect.orDie(Effect.flip(effect)))

/** Enough for some retries, however slow the machine is. */
const patient: Patience = { silence: 300, total: 60_000, pause: 1 }

const open = (server: { readonly endpoint: string }, settings: Partial<S3Settings> = {}, patience = patient) =>
  s3Store({ ...settingsFor(server.endpoint), ...settings }, "recordings", "", patience)

const through = async (body: (server: S3Server, proxy: FaultProxy) => Promise<void>) => {
  using server = startS3Server()
  await using proxy = await startFaultProxy(server.endpoint)
  await body(server, proxy)
}

const strike = (proxy: FaultProxy, kind: FaultKind, method: string, times = 1, part = "") =>
  void proxy.faults.push({
    kind,
    times,
    strikes: (request) => request.method === method && request.path.includes(part)
  })

const keysOf = (store: ReturnType<typeof open>) =>
  run(
    store.list("").pipe(
      Stream.map(({ key }) => key),
      Stream.runCollect
    )
  )

describe("what arrives", () => {
  for (const kind of ["flip", "cut", "short", "reset", "503", "broken error", "stall", "slow"] as const) {
    test(`is whole and as it was sent, whatever happens on the way: ${kind}`, () =>
      through(async (server, proxy) => {
        server.bucket.set("k", { bytes: BYTES, etag: `"${md5(BYTES)}"` })
        strike(proxy, kind, "GET", 3)
        expect((await run(open(proxy).get("k"))).bytes).toEqual(BYTES)
        expect(proxy.struck).toBe(kind === "slow" ? 1 : 3)
      }))
  }

  for (const [name, digest] of [
    ["sha256", (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("base64")],
    [
      "crc32",
      (bytes: Uint8Array) =>
        Buffer.from(Uint32Array.of(Bun.hash.crc32(bytes)).buffer)
          .reverse()
          .toString("base64")
    ]
  ] as const) {
    test(`is checked by ${name} where the ETag is no MD5`, () =>
      through(async (server, proxy) => {
        server.fault = ({ method }) =>
          method === "GET"
            ? new Response(BYTES, { headers: { etag: '"parts-3"', [`x-amz-checksum-${name}`]: digest(BYTES) } })
            : undefined
        strike(proxy, "flip", "GET", 3)
        expect((await run(open(proxy).get("k"))).bytes).toEqual(BYTES)
        expect(server.requests).toHaveLength(4)
        expect(server.requests[0]!.headers.get("x-amz-checksum-mode")).toBe("ENABLED")
      }))
  }

  test("comes without a checksum from a server that does not know what is asked", async () => {
    using server = startS3Server()
    server.bucket.set("k", { bytes: BYTES, etag: '"parts-3"' })
    server.fault = ({ headers }) => (headers.has("x-amz-checksum-mode") ? s3Error(501, "NotImplemented") : undefined)
    const store = open(server)
    for (let i = 0; i < 2; i++) expect((await run(store.get("k"))).bytes).toEqual(BYTES)
    expect(server.requests).toHaveLength(3)
  })

  test("is believed under an ETag that only looks like an MD5, once it came twice; soon without asking twice", () =>
    through(async (server, proxy) => {
      for (let i = 0; i < 6; i++) server.bucket.set(`k${i}`, { bytes: BYTES, etag: `"${md5(Uint8Array.of(i))}"` })
      const store = open(proxy)
      const requests: Array<number> = []
      for (let i = 0; i < 6; i++) {
        const before = server.requests.length
        expect((await run(store.get(`k${i}`))).bytes).toEqual(BYTES)
        requests.push(server.requests.length - before)
      }
      // What came twice is also asked for its size.
      expect(requests).toEqual([3, 3, 3, 1, 1, 1])
    }))

  test("that is never the same is refused in a sentence", () =>
    through(async (server, proxy) => {
      server.bucket.set("k", { bytes: BYTES, etag: `"${md5(BYTES)}"` })
      strike(proxy, "flip", "GET", 100)
      expect(await failureOf(open(proxy, {}, impatient).get("k"))).toMatchObject({
        reason: "unreachable",
        message: "What arrived of s3://recordings/k is damaged: its MD5 is not its ETag."
      })
    }))

  test("a piece that is cut, or another piece, is asked for again", () =>
    through(async (server, proxy) => {
      server.bucket.set("k", { bytes: BYTES, etag: `"${md5(BYTES)}"` })
      strike(proxy, "short", "GET", 2)
      expect(await run(open(proxy).getRange("k", 100, 5000))).toEqual(BYTES.slice(100, 5000))
      expect(proxy.struck).toBe(2)
    }))
})

describe("a listing", () => {
  const filled = (server: S3Server, keys: ReadonlyArray<string>) => {
    for (const key of keys)
      server.bucket.set(key, { bytes: BYTES, etag: `"${md5(BYTES)}"`, modified: new Date(86_400_000) })
  }

  for (const kind of [
    "cut",
    "short",
    "reset",
    "503",
    "broken error",
    "broken XML",
    "stall",
    "doubled listing"
  ] as const) {
    test(`has everything once: ${kind}`, () =>
      through(async (server, proxy) => {
        filled(server, ["a", "b", "c"])
        strike(proxy, kind, "GET", 2)
        expect(await keysOf(open(proxy))).toEqual(["a", "b", "c"])
      }))
  }

  test("without ETags tells versions by time and size, and says so", () =>
    through(async (server, proxy) => {
      filled(server, ["a"])
      strike(proxy, "no ETag", "GET", 100)
      strike(proxy, "no ETag", "HEAD", 100)
      const store = open(proxy)
      const listed = () => run(Stream.runCollect(store.list("")))
      const [before] = await listed()
      expect(before).toEqual({ key: "a", etag: "86400 s, 20000 bytes", size: 20_000 })
      expect(await run(store.find("a"))).toEqual(Option.some(before!))
      server.bucket.set("a", { ...server.bucket.get("a")!, modified: new Date(90_000_000) })
      expect((await listed())[0]!.etag).not.toBe(before!.etag)
    }))

  test("whose server does not encode keys, though it says so, has them as they are", async () => {
    using server = startS3Server()
    const keys = ["100%.wav", "50%25.wav", "a b.wav", "a+b.wav", "ü.wav"]
    server.fault = ({ method, key }) =>
      method === "GET" && key === ""
        ? new Response(
            `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${keys
              .map((key) => `<Contents><Key>${key}</Key><ETag>"e"</ETag><Size>1</Size></Contents>`)
              .join("")}</ListBucketResult>`
          )
        : undefined
    expect(await keysOf(open(server))).toEqual(keys)
  })
})

describe("a write", () => {
  for (const kind of ["flip the upload", "reset", "lost answer", "503", "broken error", "stall"] as const) {
    test(`is carried out once and as it was meant: ${kind}`, () =>
      through(async (server, proxy) => {
        const store = open(proxy)
        const first = await run(store.put("k", BYTES, { ifNoneMatch: "*" }))
        strike(proxy, kind, "PUT", 2, "/k")
        const other = BYTES.slice(1)
        const second = await run(store.put("k", other, { ifMatch: first.etag }))
        expect(proxy.struck).toBe(2)
        expect(server.bucket.get("k")?.bytes).toEqual(other)
        expect(second.etag).toBe(md5(other))
        strike(proxy, kind, "PUT", 1, "/new")
        expect((await run(store.put("new", other, { ifNoneMatch: "*" }))).etag).toBe(md5(other))
      }))
  }

  test("that another's overtook while its answer was lost is a conflict", () =>
    through(async (server, proxy) => {
      const store = open(proxy)
      const first = await run(store.put("k", BYTES, { ifNoneMatch: "*" }))
      strike(proxy, "lost answer", "PUT", 1, "/k")
      server.fault = ({ method, key }) => {
        if (method === "PUT" && key === "k" && proxy.struck === 1) {
          server.bucket.set("k", { bytes: new Uint8Array(1), etag: '"other"' })
        }
        return undefined
      }
      const exit = await Effect.runPromiseExit(store.put("k", BYTES.slice(1), { ifMatch: first.etag }))
      expect(Exit.isFailure(exit)).toBe(true)
      expect(server.bucket.get("k")?.bytes).toEqual(new Uint8Array(1))
    }))

  test("whose answer names no ETag can be written over", () =>
    through(async (server, proxy) => {
      for (const method of ["GET", "PUT", "HEAD"]) strike(proxy, "no ETag", method, 100)
      const store = open(proxy)
      const first = await run(store.put("k", BYTES, { ifNoneMatch: "*" }))
      await run(store.put("k", BYTES.slice(1), { ifMatch: first.etag }))
      const { etag } = await run(store.get("k"))
      await run(store.put("k", BYTES.slice(2), { ifMatch: etag }))
      expect(server.bucket.get("k")?.bytes).toEqual(BYTES.slice(2))
    }))
})

describe("a server that does not heed conditions", () => {
  test("is refused at the first conditional write, before anything is written under it", () =>
    through(async (server, proxy) => {
      strike(proxy, "no conditions", "PUT", 100)
      const store = open(proxy)
      await run(store.put("plain", BYTES))
      expect(await failureOf(store.put("lease", BYTES, { ifNoneMatch: "*" }))).toMatchObject({
        reason: "invalid",
        message: expect.stringMatching(/ ignores conditional writes, .*set ALLOW_UNCONDITIONAL_WRITES=1/)
      })
      expect(server.bucket.has("lease")).toBe(false)
    }))

  test("is refused with what it says, where it says that it has none", async () => {
    using server = startS3Server()
    server.fault = ({ headers }) => (headers.has("if-none-match") ? s3Error(501, "NotImplemented") : undefined)
    expect(await failureOf(open(server).put("lease", BYTES, { ifNoneMatch: "*" }))).toMatchObject({
      message: expect.stringContaining(" does not implement conditional writes, ")
    })
    expect(server.requests).toHaveLength(1)
  })

  test("is used where that is allowed: what is there is looked at before each write", () =>
    through(async (server, proxy) => {
      strike(proxy, "no conditions", "PUT", 100)
      const store = open(proxy, { allowUnconditionalWrites: true })
      const first = await run(store.put("k", BYTES, { ifNoneMatch: "*" }))
      expect(await failureOf(store.put("k", BYTES.slice(1), { ifNoneMatch: "*" }))).toMatchObject({
        reason: "conflict"
      })
      await run(store.put("k", BYTES.slice(1), { ifMatch: first.etag }))
      expect(await failureOf(store.put("k", BYTES.slice(2), { ifMatch: first.etag }))).toMatchObject({
        reason: "conflict"
      })
      expect(server.bucket.get("k")?.bytes).toEqual(BYTES.slice(1))
    }))

  test("is told from one that does by requests that leave nothing to see", async () => {
    using server = startS3Server()
    const first = open(server)
    await run(first.put("k", BYTES, { ifNoneMatch: "*" }))
    expect(await keysOf(first)).toEqual(["k"])
    const before = server.requests.length
    await run(open(server).put("l", BYTES, { ifNoneMatch: "*" }))
    expect(server.requests.slice(before).map(({ method }) => method)).toEqual(["PUT", "PUT", "PUT"])
  })
})

test("a removal without the permission names it", async () => {
  using server = startS3Server()
  server.fault = ({ method }) => (method === "DELETE" ? s3Error(403, "AccessDenied") : undefined)
  expect(await failureOf(open(server).remove("k"))).toMatchObject({
    reason: "denied",
    message: `${server.endpoint} lets nothing be removed, such as s3://recordings/k: allow s3:DeleteObject.`
  })
})

test("one that fails for longer than patience lasts ends what waits, and soon what comes after", async () => {
  using server = startS3Server()
  const store = open(server, {}, { silence: 300, total: 200, pause: 10 })
  server.fault = () => s3Error(503, "SlowDown")
  await failureOf(store.get("k"))
  expect(server.requests.length).toBeGreaterThan(3)
  const before = server.requests.length
  await failureOf(store.get("other"))
  expect(server.requests.length - before).toBe(3)
})

/** What a store in a process of its own, with this environment, fails with: `fetch` reads it once. */
const failureIn = async (endpoint: string, environment: Record<string, string>) => {
  const child = Bun.spawn(["bun", "-e", FAILURE_PROBE, endpoint], {
    cwd: `${import.meta.dir}/../..`,
    env: { PATH: process.env.PATH, ...environment },
    stderr: "inherit"
  })
  return (await new Response(child.stdout).text()).trim()
}

const FAILURE_PROBE = `
  import { ConfigProvider, Effect } from "effect"
  import { Settings } from "./src/config/settings.ts"
  import { s3Store } from "./src/store/s3.ts"
  const environment = { AWS_ENDPOINT_URL_S3: process.argv[1], AWS_ACCESS_KEY_ID: "k", AWS_SECRET_ACCESS_KEY: "s" }
  const store = Effect.gen(function* () {
    return s3Store(yield* Settings, "recordings", "", { silence: 1000, total: 0, pause: 1 })
  }).pipe(
    Effect.provide(Settings.layer),
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnv({ env: { ...process.env, ...environment } })
    )
  )
  const read = Effect.flatMap(store, (store) => store.get("k"))
  console.log(await Effect.runPromise(Effect.match(read, { onSuccess: () => "read", onFailure: (error) => error.message })))
  process.exit(0)
`

test("a proxy that is not there is blamed, and not the endpoint", async () => {
  const endpoint = "http://bucket.invalid:9000"
  expect(await failureIn(endpoint, { HTTP_PROXY: "http://user:secret@127.0.0.1:1" })).toBe(
    "Nothing listens at the proxy http://127.0.0.1:1: check HTTP_PROXY."
  )
  expect(await failureIn(endpoint, { http_proxy: "http://no-such-proxy.invalid:3128" })).toBe(
    "The address of the proxy http://no-such-proxy.invalid:3128 is not known: check http_proxy and the network."
  )
  expect(await failureIn(endpoint, { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: "x.org,.invalid" })).toStartWith(
    "The address http://bucket.invalid:9000 is not known"
  )
})

test("certificates are checked against the authorities in AWS_CA_BUNDLE", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { exitCode } = yield* Effect.promise(() =>
        $`openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost`
          .cwd(folder)
          .quiet()
      )
      expect(exitCode).toBe(0)
      using server = Bun.serve({
        port: 0,
        tls: { key: Bun.file(`${folder}/key.pem`), cert: Bun.file(`${folder}/ca.pem`) },
        fetch: () => new Response(BYTES, { headers: { etag: `"${md5(BYTES)}"` } })
      })
      const endpoint = `https://localhost:${server.port}`
      const failing = (environment: Record<string, string>) => Effect.promise(() => failureIn(endpoint, environment))
      expect(yield* failing({})).toStartWith(`No secure connection to ${endpoint}`)
      expect(yield* failing({ AWS_CA_BUNDLE: `${folder}/ca.pem` })).toBe("read")
      expect(yield* failing({ AWS_CA_BUNDLE: `${folder}/nothing.pem` })).toBe(
        `AWS_CA_BUNDLE is "${folder}/nothing.pem", but must be the path of a file of PEM certificates.`
      )
    }).pipe(Effect.scoped)
  ))
