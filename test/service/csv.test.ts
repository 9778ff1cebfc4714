import { expect, test } from "bun:test"
import { Effect } from "effect"
import { csvOf } from "../../src/service/csv.ts"
import { sendTable } from "../../src/service/sendTable.ts"

test.each([
  ["=1+1", "'=1+1"],
  ["-5", "'-5"],
  // Where a semicolon parts cells, quotation marks within a line do not keep one together.
  ["a;=1+1", "a;'=1+1"],
  ['a; "=1+1', '"a; ""\'=1+1"'],
  ["=a;@b", "'=a;'@b"],
  ["a\n=1", '"a\n\'=1"'],
  ["\tcell", "'\tcell"],
  ["a-b=c+d@e;f", "a-b=c+d@e;f"],
  ['"a", b', '"""a"", b"']
])("%j is no formula to any spreadsheet", (cell, written) => {
  expect(csvOf([[cell, -5]])).toBe(`\uFEFF${written},-5\r\n`)
})

test("a table is written as the client takes it", async () => {
  const items = Array.from({ length: 20_000 }, (_, at) => at)
  let written = 0
  const send = () =>
    sendTable("a.csv", ["number"], items, (at) => {
      written++
      return [at]
    }).pipe(Effect.runPromise)
  const reader = (await send()).body!.getReader()
  await reader.read()
  await reader.read()
  await Bun.sleep(20)
  expect(written).toBeLessThan(items.length / 2)
  await reader.cancel()
  expect(await (await send()).bytes()).toEqual(
    new TextEncoder().encode(csvOf([["number"], ...items.map((at) => [at])]))
  )
})
