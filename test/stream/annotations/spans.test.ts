import { expect, test } from "bun:test"
import { cutBackground, cutClips, type Labelled } from "../../../src/stream/annotations/spans.ts"

const OPTIONS = { window: 0.96, longest: 30, seconds: 60 }
const dog = (start: number, end: number): Labelled => ({ start, end, className: "dog" })
const shot = (start: number, end: number): Labelled => ({ start, end, className: "shot" })
const clips = (annotations: ReadonlyArray<Labelled>) =>
  cutClips(annotations, OPTIONS).clips.map(({ start, end, className }) => [
    className,
    Number(start.toFixed(3)),
    Number(end.toFixed(3))
  ])

test("an annotation is a clip; a short one, or a point, is heard with what is around it", () => {
  expect(clips([dog(10, 12.5)])).toEqual([["dog", 10, 12.5]])
  expect(clips([shot(20, 20.3)])).toEqual([["shot", 19.67, 20.63]])
  expect(clips([shot(20, 20)])).toEqual([["shot", 19.52, 20.48]])
  expect(clips([shot(0, 0.3)])).toEqual([["shot", 0, 0.96]])
  expect(clips([shot(59.8, 60)])).toEqual([["shot", 59.04, 60]])
})

test("a long annotation becomes equal clips of at most the longest", () => {
  expect(clips([dog(0, 45)])).toEqual([
    ["dog", 0, 22.5],
    ["dog", 22.5, 45]
  ])
})

test("what two rows say of one class is said once", () => {
  expect(clips([dog(10, 12), dog(11, 13), dog(10, 12)])).toEqual([["dog", 10, 13]])
})

test("where two classes overlap, neither is trained on, and it is told how much that is", () => {
  const cut = cutClips([dog(10, 14), shot(13, 16)], OPTIONS)
  expect(cut.clips).toEqual([
    { start: 10, end: 13, className: "dog" },
    { start: 14, end: 16, className: "shot" }
  ])
  expect(cut.overlapping).toEqual([{ start: 13, end: 14 }])
  // A shot within a bark is none that could be heard alone; the bark goes on on both sides.
  expect(clips([dog(10, 14), shot(12, 12.3)])).toEqual([
    ["dog", 10, 12],
    ["dog", 12.3, 14]
  ])
  // Something else counts as well, though no class is trained from it.
  expect(clips([dog(10, 14), { start: 10, end: 14, className: undefined }])).toEqual([])
})

test("background is what was listened to, away from what is annotated", () => {
  const pieces = cutBackground([{ start: 0, end: 20 }], [dog(10, 12)], { window: 0.96, piece: 4 })
  expect(pieces.map(({ start, end }) => [Number(start.toFixed(2)), Number(end.toFixed(2))])).toEqual([
    [0, 3.17],
    [3.17, 6.35],
    [6.35, 9.52],
    [12.48, 16.24],
    [16.24, 20]
  ])
  expect(cutBackground([{ start: 9.6, end: 12.4 }], [dog(10, 12)], { window: 0.96, piece: 4 })).toEqual([])
})
