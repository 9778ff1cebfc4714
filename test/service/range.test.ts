import { expect, test } from "bun:test"
import { Effect } from "effect"
import fc from "fast-check"
import { parseRange, rangeResponse } from "../../src/service/range.ts"

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
    const response = await Effect.runPromise(
      rangeResponse(
        { etag: "one", size: 100 },
        "audio/wav",
        new Request("http://localhost", { headers }),
        (from, end) =>
          Effect.sync(() => {
            reads.push([from, end])
            return present.slice(from, end)
          })
      ).pipe(Effect.catch(({ status, detail }) => Effect.succeed(new Response(detail, { status }))))
    )
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
