import { expect, test } from "bun:test"
import fc from "fast-check"
import { parseRange } from "../../src/server/range.ts"

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
