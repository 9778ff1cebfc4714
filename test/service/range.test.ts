import { expect, test } from "bun:test"
import { Effect, Layer, Option } from "effect"
import fc from "fast-check"
import { Settings } from "../../src/config/settings.ts"
import { Intake } from "../../src/service/intake.ts"
import { parseRange, sendObject } from "../../src/service/range.ts"
import { type ObjectInfo, Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"

const send = (store: Store["Service"], object: ObjectInfo, headers: Record<string, string>, method = "GET") =>
  Effect.runPromise(
    sendObject(object, "audio/wav", new Request("http://localhost", { headers, method })).pipe(
      Effect.catchTag("Refusal", ({ status, detail }) => Effect.succeed(new Response(detail, { status }))),
      Effect.provide(Layer.mergeAll(Intake.layer, Layer.succeed(Store, store)).pipe(Layer.provide(Settings.layer)))
    )
  )

test("ranges are read as RFC 9110 has them", () => {
  expect(parseRange("bytes=0-499", 10_000)).toEqual({ first: 0, last: 499 })
  expect(parseRange("bytes=500-999", 10_000)).toEqual({ first: 500, last: 999 })
  expect(parseRange("bytes=-500", 10_000)).toEqual({ first: 9500, last: 9999 })
  expect(parseRange("bytes=9500-", 10_000)).toEqual({ first: 9500, last: 9999 })
  expect(parseRange("bytes=0-99999", 10_000)).toEqual({ first: 0, last: 9999 })
  expect(parseRange("bytes=10000-", 10_000)).toBe("unsatisfiable")
  expect(parseRange("bytes=-0", 10_000)).toBe("unsatisfiable")
  for (const header of [null, "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "lines=0-1", "bytes=a-b"]) {
    expect(parseRange(header, 10_000)).toBeUndefined()
  }
})

test("a range never leaves the file", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.option(fc.nat(300)), fc.option(fc.nat(300)), (size, first, last) => {
      const range = parseRange(`bytes=${first ?? ""}-${last ?? ""}`, size)
      if (range === undefined || range === "unsatisfiable") return
      expect(range.first).toBeGreaterThanOrEqual(0)
      expect(range.last).toBeGreaterThanOrEqual(range.first)
      expect(range.last).toBeLessThan(size)
    })
  )
})

test("no more is read than is sent, and parts of one version only", async () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, at) => at)
  const ask = async (headers: Record<string, string>, present = bytes) => {
    const reads: Array<readonly [number, number]> = []
    const store = Store.of({
      ...memoryStore(new Map()),
      get: () => Effect.sync(() => ({ bytes: read(0, 100), etag: "one" })),
      getRange: (_, from, end) => Effect.sync(() => read(from, end))
    })
    const read = (from: number, end: number) => {
      reads.push([from, end])
      return present.slice(from, end)
    }
    const response = await send(store, { key: "a.wav", etag: "one", size: 100 }, headers)
    return { status: response.status, length: (await response.bytes()).length, reads }
  }
  const range = "bytes=10-19"
  expect(await ask({ range })).toEqual({ status: 206, length: 10, reads: [[10, 20]] })
  expect(await ask({ range, "if-range": '"one"' })).toEqual({ status: 206, length: 10, reads: [[10, 20]] })
  expect(await ask({ range, "if-range": '"other"' })).toEqual({ status: 200, length: 100, reads: [[0, 100]] })
  expect(await ask({})).toEqual({ status: 200, length: 100, reads: [[0, 100]] })
  expect(await ask({ range: "bytes=100-" })).toEqual({ status: 416, length: 0, reads: [] })
  expect(await ask({ range, "if-none-match": '"one"' })).toEqual({ status: 304, length: 0, reads: [] })
  expect((await ask({ range }, bytes.subarray(0, 15))).status).toBe(409)
})

const large = Uint8Array.from({ length: 5_300_000 }, (_, at) => at % 251)
const object = { key: "large.wav", size: large.length }

/** A store with one large object, and the bytes that were asked of it. */
const withLarge = () => {
  const objects = new Map([[object.key, large]])
  const inner = memoryStore(objects)
  let asked = 0
  const store = Store.of({
    ...inner,
    get: (key) => Effect.andThen(Effect.die("read whole"), inner.get(key)),
    getRange: (key, from, end) => {
      asked += end - from
      return inner.getRange(key, from, end)
    }
  })
  return { store, objects, asked: () => asked, find: () => Effect.runPromise(store.find(object.key)) }
}

test("what is large goes piece by piece, each when the client has taken the one before", async () => {
  const { store, asked, find } = withLarge()
  const info = Option.getOrThrow(await find())
  const reader = (await send(store, info, {})).body!.getReader()
  await reader.read()
  await Bun.sleep(20)
  expect(asked()).toBeLessThan(large.length / 2)
  await reader.cancel()
  const whole = await send(store, info, {})
  expect(Buffer.compare(await whole.bytes(), large)).toBe(0)
  const part = await send(store, info, { range: "bytes=100000-4200000" })
  expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 100000-4200000/${large.length}`])
  expect(Buffer.compare(await part.bytes(), large.subarray(100_000, 4_200_001))).toBe(0)
})

test("a client never gets pieces of two versions for one", async () => {
  const { store, objects, find } = withLarge()
  const response = await send(store, Option.getOrThrow(await find()), {})
  objects.set(
    object.key,
    Uint8Array.from(large, (byte) => byte ^ 1)
  )
  await expect(response.bytes()).rejects.toThrow()
  expect((await send(store, { ...object, etag: "old" }, {})).status).toBe(409)
})

test("who asks for the head alone is told the length, and nothing is read", async () => {
  const { store, asked, find } = withLarge()
  const response = await send(store, Option.getOrThrow(await find()), {}, "HEAD")
  expect(response.headers.get("content-length")).toBe(String(large.length))
  expect([response.body, asked()]).toEqual([null, 0])
})
