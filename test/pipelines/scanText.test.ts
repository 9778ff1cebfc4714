import { expect, test } from "bun:test"
import { ConfigProvider, Effect, Layer } from "effect"
import { readJudgements } from "../../pipelines/cli/judgements.ts"
import { describe } from "../../pipelines/scan.ts"
import { Settings } from "../../src/config/settings.ts"
import type { ScanSummary } from "../../src/runs/scan/scan.ts"
import { toldFromInWords } from "../../src/runs/scan/toldFrom.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"

const ELSEWHERE =
  "A site with other sounds may have more false alarms: judge some events of each site before you rely on it."

test("what was tested in the field, what was not, and what was asked for are told apart", () => {
  const thresholds = { clips: 0.7, dog_bark: 0.85, gun_shot: 0.31, saw: 0.5 }
  expect(
    toldFromInWords({
      thresholds,
      tested: ["dog_bark", "gun_shot"],
      silent: [],
      untested: ["saw"],
      unsure: [],
      alarmsPerHour: 1
    })
  ).toBe(
    "Told are events from a probability of: dog_bark 0.850, gun_shot 0.310, where it had up to 1 false alarm of each an " +
      `hour in the sound that it was tested in; saw 0.500, with which it was not tested; clips 0.700. ${ELSEWHERE}`
  )
  expect(
    toldFromInWords({ thresholds: { saw: 0.9 }, tested: [], silent: [], untested: [], unsure: [], alarmsPerHour: null })
  ).toBe("Told are events from a probability of: saw 0.900.")
  const silent = {
    thresholds: { dog_bark: 0.85, saw: 0.5 },
    tested: ["dog_bark"],
    silent: ["saw"],
    untested: [],
    unsure: []
  }
  expect(toldFromInWords({ ...silent, alarmsPerHour: 5 })).toBe(
    "Told are events from a probability of: dog_bark 0.850, where it had up to 5 false alarms of each an hour in the sound " +
      `that it was tested in; saw 0.500, where it had no more either, but nothing of it was there to be found. ${ELSEWHERE}`
  )
  const unsure = [
    { name: "dog_bark", events: 3, hours: 10 / 60 },
    { name: "saw", events: 0, hours: 10 / 60 }
  ]
  expect(toldFromInWords({ ...silent, unsure, alarmsPerHour: 5 })).toContain(
    " to be found. Some of these rest on little: that of dog_bark on 3 events in 10.0 minutes of sound, that of saw on 0 events in 10.0 minutes of sound. A site"
  )
})

const summary: ScanSummary = {
  ...{
    store: "s3://bucket",
    recipe: "r",
    model: null,
    recordings: 1,
    undated: 0,
    heard: 1,
    hours: 12 / 3600,
    storedHours: 12 / 3600,
    learnt: []
  },
  ...{
    seconds: 1.25,
    speed: 30,
    skipped: [],
    repaired: [],
    odd: [],
    events: {},
    frequent: [],
    thresholds: {},
    tested: [],
    silent: [],
    untested: [],
    unsure: []
  },
  alarmsPerHour: null
}
const first = (part: Partial<ScanSummary>) => describe({ ...summary, ...part }, []).split("\n")[0]

test("how much was heard is told in a unit that fits, however little it is", () => {
  expect(first({})).toBe("Heard 1 recording of 12.0 seconds in 1.3 s, 30 × real time; 12.0 seconds are heard in all.")
  expect(first({ heard: 4, hours: 1.25, storedHours: 300.25 })).toBe(
    "Heard 4 recordings of 75.0 minutes in 1.3 s, 30 × real time; 300.3 hours are heard in all."
  )
  expect(first({ heard: 0, hours: 0, storedHours: 0.05 })).toBe(
    "Nothing is new in s3://bucket: 3.0 minutes were heard before."
  )
  const skipped = [{ key: "field_audio/a/1.wav", reason: "It is empty." }]
  expect(first({ heard: 0, hours: 0, storedHours: 0, skipped })).toBe(
    "Nothing new could be heard in s3://bucket: 0.0 seconds were heard before."
  )
})

test("how many recordings a time leaves out is told where there are some", () => {
  const said = (undated: number) =>
    describe({ ...summary, undated }, [])
      .split("\n")
      .slice(-1)[0]
  expect(said(0)).toStartWith("No model is promoted")
  expect(said(1)).toBe("1 recording tells neither by name nor by header when it starts, and --since leaves it out.")
  expect(said(2)).toBe("2 recordings tell neither by name nor by header when they start, and --since leaves them out.")
})

test("what people say of events is read for tables that have a place for it, as the dashboard reads it", async () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const key = "field_audio/ridge/a.wav"
  const store = memoryStore(
    new Map([
      [key, bytes("sound")],
      ["annotations/ridge/a.csv", bytes("start,end,label\n0,1,Dog bark\n2,3,gun_shot\n4,5,complete\n")]
    ])
  )
  const settings = Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} }))))
  const judgedBy = (formats: Parameters<typeof readJudgements>[0]) =>
    Effect.runPromise(readJudgements(formats).pipe(Effect.provideService(Store, store), Effect.provide(settings)))
  const at = (start: number, recording = key) => ({ recording, start, end: start + 1, class: "dog_bark" })
  const judgedAs = await judgedBy(["csv", "kaleidoscope"])
  expect([0, 2, 4, 6].map((start) => judgedAs(at(start)))).toEqual(["dog_bark", "gun_shot", "", undefined])
  expect(judgedAs(at(0, "field_audio/ridge/b.wav"))).toBeUndefined()
  expect((await judgedBy(["csv"]))(at(0))).toBeUndefined()
})
