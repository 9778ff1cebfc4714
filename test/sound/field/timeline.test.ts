import { describe, expect, test } from "bun:test"
import { findOddities, type Placed } from "../../../src/sound/field/timeline.ts"

const HOUR = 3600
const DAY = 24 * HOUR
const BEGIN = Date.UTC(2025, 5, 12, 5)

/** A recording so many seconds after the first, of an hour unless said. */
const placed = (at: number, seconds = HOUR, rest: Partial<Placed> = {}): Placed => ({
  key: `field_audio/creek/${at}.wav`,
  start: { shown: BEGIN + 1000 * at },
  seconds,
  ...rest
})
const NOW = Date.UTC(2026, 0)
const said = (recordings: ReadonlyArray<Placed>) =>
  findOddities(recordings, NOW).map(({ kind, what }) => `${kind}: ${what}`)

describe("nothing is odd", () => {
  test("about recordings that follow each other, within what clocks drift", () => {
    expect(said([0, 1, 2, 3].map((i) => placed(i * HOUR + (i % 2) * 3)))).toEqual([])
  })

  test("about a schedule of a minute in ten, of nights alone", () => {
    const nights = Array.from({ length: 5 }, (_, day) => Array.from({ length: 30 }, (_, i) => day * DAY + i * 600))
    expect(said(nights.flat().map((at) => placed(at, 60)))).toEqual([])
  })

  test("about two recorders of a site at the same time", () => {
    expect(said([placed(0, HOUR, { recorder: "a" }), placed(60, HOUR, { recorder: "b" })])).toEqual([])
  })

  test("about none, and one", () => {
    expect(said([])).toEqual([])
    expect(said([placed(0)])).toEqual([])
  })
})

test("a gap that no schedule explains is named, and where", () => {
  expect(
    findOddities(
      [0, 1, 2, 5, 6].map((i) => placed(i * HOUR)),
      NOW
    )
  ).toEqual([
    {
      kind: "gap",
      key: `field_audio/creek/${5 * HOUR}.wav`,
      before: `field_audio/creek/${2 * HOUR}.wav`,
      seconds: 2 * HOUR,
      what: `Nothing was recorded for 2:00:00 before it, since field_audio/creek/${2 * HOUR}.wav.`
    }
  ])
})

test("recordings of one recorder that overlap", () => {
  expect(said([placed(0), placed(HOUR - 90), placed(2 * HOUR - 90)])).toEqual([
    "overlap: It begins 1:30 before field_audio/creek/0.wav ends."
  ])
})

test("a clock that was set by an hour, and one whose offset says so", () => {
  expect(said([placed(0), placed(2 * HOUR), placed(3 * HOUR)])).toEqual([
    "gap: Nothing was recorded for 1:00:00 before it, since field_audio/creek/0.wav, as where a clock is set by an hour."
  ])
  const summer = [
    placed(0, HOUR, { start: { shown: BEGIN, offset: 600 } }),
    placed(HOUR, HOUR, { start: { shown: BEGIN + 2 * HOUR * 1000, offset: 660 } })
  ]
  expect(said(summer)).toEqual([
    "clock: Its recorder's clock is 11 h ahead of UTC from here on, after 10 h ahead of UTC."
  ])
})

test("a clock that was never set, and one that is years off", () => {
  const unset = placed(0, HOUR, { start: { shown: Date.UTC(1970, 0, 1, 0, 5) } })
  expect(said([unset, placed(0), placed(HOUR)])).toEqual([
    "clock: Its recorder's clock was never set: it shows 1970-01-01T00:05:00."
  ])
  const off = placed(9, HOUR, { start: { shown: Date.UTC(2015, 0) } })
  expect(said([off, placed(0), placed(HOUR), placed(2 * HOUR)])).toEqual([
    "clock: Its recorder's clock is wrong, or it is of another time: 2015-01-01T00:00:00 is 3815 days from most recordings of its recorder."
  ])
})

test("a clock that is ahead of now by more than places differ", () => {
  const at = (shown: number) => placed(0, HOUR, { start: { shown } })
  expect(said([at(NOW + 1000 * 14 * HOUR)])).toEqual([])
  expect(said([at(Date.UTC(2099, 0))])).toEqual(["clock: Its recorder's clock is ahead: it shows 2099-01-01T00:00:00."])
})
