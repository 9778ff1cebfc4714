import { expect, test } from "bun:test"
import { csvOf } from "../../src/service/csv.ts"

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
