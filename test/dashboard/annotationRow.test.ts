import { expect, test } from "bun:test"
import { unfinished } from "../../src/dashboard/parts/annotationRow.ts"

test("a row that cannot be kept says why in one sentence, an empty time before all else", () => {
  const row = { start: 1, end: 2, label: "dog_bark" }
  for (const [part, reason] of [
    [{}, undefined],
    [{ end: 1 }, undefined],
    [{ start: Number.NaN }, "Row 3 needs a number of seconds as its Start."],
    [{ end: Number.NaN, label: "" }, "Row 3 needs a number of seconds as its End."],
    [{ start: Number.NaN, end: Number.NaN }, "Row 3 needs a number of seconds as its Start and its End."],
    [{ start: -1 }, "Row 3 starts before the recording does."],
    [{ end: 0.5 }, "Row 3 ends before it starts."],
    [{ label: "" }, "Row 3 needs a class."]
  ] as const) {
    expect(unfinished({ ...row, ...part }, 3)).toBe(reason)
  }
})
