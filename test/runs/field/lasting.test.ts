import { expect, test } from "bun:test"
import { type EventSpan, lastingOf } from "../../../src/runs/field/lasting.ts"

const TIMES = { window: 0.96, hop: 0.48 }

const spans = (className: string, sources: number, ...windows: ReadonlyArray<number>): ReadonlyArray<EventSpan> =>
  Array.from({ length: sources }, (_, source) =>
    windows.map((own) => ({ className, source: `${source}`, windows: own }))
  ).flat()

test("a class lasts as long as nineteen of twenty of its events", () => {
  const engines = spans("engine", 20, 6, 6, 5, 7, 6)
  expect(lastingOf(engines, TIMES)).toEqual({ engine: 2.88 })
  const few = [...engines, ...spans("engine", 4, 2)]
  expect(lastingOf(few, TIMES)).toEqual({ engine: 2.88 })
  // One in twenty of them is in two windows.
  expect(lastingOf([...few, ...spans("engine", 2, 2)], TIMES)).toEqual({})
})

test("nothing is known of a class of few sources, nor of one whose sounds are short", () => {
  expect(lastingOf(spans("engine", 8, 6, 6, 6, 6), TIMES)).toEqual({})
  expect(lastingOf([...spans("shot", 20, 2, 6), ...spans("engine", 9, 6)], TIMES)).toEqual({ engine: 3.36 })
  expect(lastingOf([], TIMES)).toEqual({})
})
