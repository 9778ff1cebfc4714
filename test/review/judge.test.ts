import { expect, test } from "bun:test"
import { judgementOf } from "../../src/review/judge.ts"

const event = { start: 10, end: 12, class: "dog_bark" }
const judged = (annotations: ReadonlyArray<{ start: number; end: number; label: string }>) =>
  judgementOf(event, { annotations, complete: [] })

test("a label is the class that it means, however it is written", () => {
  expect(judged([{ start: 10, end: 12, label: "Dog bark" }])).toBe("dog_bark")
  expect(judged([{ start: 10.5, end: 11, label: "DOG-bark" }])).toBeUndefined()
  expect(judged([{ start: 10, end: 12, label: "Gun shot" }])).toBe("gun_shot")
  expect(judged([{ start: 10, end: 10.5, label: "Gun shot" }])).toBeUndefined()
})

test("nothing is there where that was listened to and nothing was annotated", () => {
  expect(judgementOf(event, { annotations: [], complete: [undefined] })).toBe("")
  expect(judgementOf(event, { annotations: [], complete: [{ start: 0, end: 10.5 }] })).toBeUndefined()
})
