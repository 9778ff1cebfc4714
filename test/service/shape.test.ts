import { expect, test } from "bun:test"
import { Result, Schema } from "effect"
import { readShape, repeatedMember } from "../../src/service/shape.ts"

test("a member that one object has twice is found, however it is written, and texts are not taken for members", () => {
  for (const json of [
    '{"a": 1, "b": 2, "a" : 3}',
    '{"a": 1, "\\u0061": 2}',
    '[{"b": {"a": 1}}, {"b": {"c": [], "a": 1, "a": 1}}]',
    '{"a": {"b": {}}, "c": "}", "a": 1}'
  ]) {
    expect([json, repeatedMember(json)]).toEqual([json, "a"])
  }
  for (const json of [
    '{"a": {"a": {"a": "a"}}, "b": {"a": 1}}',
    '[{"a": 1}, {"a": 1}]',
    '{"a": "\\"a\\": 1, \\\\", "b": "{\\"a\\":"}',
    '{"b": ["a", "a"], "c": "a"}',
    "null",
    '"a"'
  ]) {
    expect([json, repeatedMember(json)]).toEqual([json, undefined])
  }
})

const Row = Schema.Struct({ start: Schema.Finite, label: Schema.optionalKey(Schema.String) })
const read = readShape(Schema.Struct({ rows: Schema.Array(Row) }), { whole: "The body must be {rows}." })
const refusal = (value: unknown) => Result.getOrElse(Result.flip(read(value)), () => undefined)

test("what is wrong is named by its path, as it was sent, cut where it is long", () => {
  expect(Result.isSuccess(read({ rows: [{ start: 1 }] }))).toBe(true)
  expect(refusal({ rows: [{ start: 1 }, { start: "2" }] })).toBe(
    '`rows.1.start` cannot be "2": the body must be {rows}.'
  )
  expect(refusal({ rows: [{ start: 1, lable: "dog" }] })).toBe(
    "`rows.0.lable` is not known here: the body must be {rows}."
  )
  expect(refusal({ rows: [{ label: "dog" }] })).toBe("`rows.0.start` is missing: the body must be {rows}.")
  // Misspelt, it is missing as well.
  expect(refusal({ row: [] })).toBe("`row` is not known here: the body must be {rows}.")
  expect(refusal(null)).toBe("The body must be {rows}.")
  expect(refusal({ rows: "x".repeat(1000), ["y".repeat(1000)]: 1 })?.length).toBeLessThan(200)
})
