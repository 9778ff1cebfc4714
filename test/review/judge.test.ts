import { expect, test } from "bun:test"
import { ConfigProvider, Effect, Layer } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { judge, judgementOf, type TableSaid } from "../../src/review/judge.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"

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

const RECORDING = "field_audio/ridge/a.wav"
const TABLE = "annotations/ridge/a.csv"
const HEAD = "start,end,label,confidence,annotator,low,high"

/** What an answer makes of the rows that are there, and what it says then or why it cannot. */
const answer = async (
  rows: ReadonlyArray<string>,
  label: string | null,
  { tables = [], start = 33.12, end = 36.96 }: { tables?: ReadonlyArray<TableSaid>; start?: number; end?: number } = {}
) => {
  const objects = new Map<string, Uint8Array>([[RECORDING, new TextEncoder().encode("sound")]])
  if (rows.length > 0) objects.set(TABLE, new TextEncoder().encode(`${[HEAD, ...rows].join("\n")}\n`))
  const settings = Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} }))))
  const said = await Effect.runPromise(
    judge({ recording: RECORDING, start, end, class: "dog_bark" }, label, tables).pipe(
      Effect.catchTag("AnnotationError", ({ message }) => Effect.succeed({ refused: message })),
      Effect.provideService(Store, memoryStore(objects)),
      Effect.provide(settings)
    )
  )
  const left = new TextDecoder().decode(objects.get(TABLE)).trimEnd().split("\n").slice(1)
  return { said, left }
}

test("an answer replaces what was said of the event when it was heard at slightly other times", async () => {
  for (const row of ["33.120,36.480,dog_bark,,dashboard,,", "33.000,37.200,Dog bark,,ann,,", "33.5,34,dog_bark,,,,"]) {
    expect(await answer([row], "")).toEqual({ said: "", left: ["33.120,36.960,complete,,,,"] })
    expect(await answer([row], "gun_shot")).toEqual({
      said: "gun_shot",
      left: ["33.120,36.960,gun_shot,,dashboard,,"]
    })
    expect(await answer([row], null)).toEqual({ said: undefined, left: [] })
  }
  // Half as long as it was.
  expect(await answer(["33.120,36.960,dog_bark,,dashboard,,"], "", { end: 34.5 })).toEqual({
    said: "",
    left: ["33.120,34.500,complete,,,,"]
  })
  expect(await answer(["33.120,36.480,complete,,,,"], "dog_bark")).toEqual({
    said: "dog_bark",
    left: ["33.120,36.960,dog_bark,,dashboard,,"]
  })
  expect(await answer(["33.120,36.480,gun_shot,,dashboard,,"], null)).toEqual({ said: undefined, left: [] })
})

test("what is of other events stays, and so does what somebody has drawn of the one that is confirmed", async () => {
  const others = ["1.000,2.000,dog_bark,,ann,,", "34.000,34.200,gun_shot,,ann,,", "36.500,39.000,dog_bark,,ann,,"]
  expect((await answer([...others, "33.000,36.000,dog_bark,,,,"], "")).left).toEqual(
    [...others, "33.120,36.960,complete,,,,"].toSorted((a, b) => Number.parseFloat(a) - Number.parseFloat(b))
  )
  const drawn = "33.500,35.000,dog_bark,,ann,500,2000"
  expect((await answer([drawn, "33.120,36.480,dog_bark,,dashboard,,"], "dog_bark")).left).toEqual([
    "33.120,36.960,dog_bark,,dashboard,,",
    drawn
  ])
})

test("what is annotated of more than the event is not changed: the answer says that it cannot be given", async () => {
  for (const label of ["", "gun_shot", null]) {
    expect(await answer(["0.000,600.000,dog_bark,,ann,,"], label)).toEqual({
      said: {
        refused: "From 0 to 600 s, which is more than this event, dog_bark is annotated: change that under Annotations."
      },
      left: ["0.000,600.000,dog_bark,,ann,,"]
    })
  }
  // A shot in the rain is one.
  expect(await answer(["0.000,600.000,rain,,ann,,"], "gun_shot")).toMatchObject({ said: "gun_shot" })
  const shared = {
    table: "annotations/all.csv",
    said: { annotations: [{ start: 33, end: 37, label: "dog_bark" }], complete: [] }
  }
  expect(await answer([], "", { tables: [shared] })).toEqual({
    said: {
      refused: "annotations/all.csv, which is not this recording's own table, says dog_bark: change it there."
    },
    left: []
  })
  expect(await answer([], "dog_bark", { tables: [shared] })).toMatchObject({ said: "dog_bark" })
})
