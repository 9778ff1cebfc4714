import { expect, test } from "bun:test"
import { ConfigProvider, Effect, Layer } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { addTable } from "../../src/review/addTable.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"

const [RIDGE, CREEK, OTHER] = ["field_audio/ridge/a.wav", "field_audio/creek/a.wav", "field_audio/ridge/b.wav"]
/** Seconds that were heard of a recording whose file does not tell how long it is. */
const HEARD: Readonly<Record<string, number>> = { [OTHER]: 10 }

/** What comes of a table that is added, or why it is not, and what lies in the store then. */
const added = async (
  text: string,
  name: string,
  asked?: string,
  more: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {}
) => {
  const bytes = (content: string) => new TextEncoder().encode(content)
  const recordings = [RIDGE, CREEK, OTHER]
  const objects = new Map(recordings.map((key) => [key, bytes(key)]))
  for (const [key, content] of Object.entries(more)) objects.set(key, content)
  const known = recordings.map((key) => ({ key, size: objects.get(key)!.length, seconds: HEARD[key] }))
  const settings = Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} }))))
  const answer = await Effect.runPromise(
    addTable(bytes(text), name, known, asked).pipe(
      Effect.catchTag("AnnotationError", ({ message }) => Effect.succeed({ refused: message })),
      Effect.provideService(Store, memoryStore(objects)),
      Effect.provide(settings)
    )
  )
  const tables = [...objects.keys()].filter((key) => !recordings.includes(key))
  return { answer, tables, textOf: (key: string) => new TextDecoder().decode(objects.get(key)) }
}

test("rows that name another recording than the one chosen are told, and not taken", async () => {
  const table = "file,start,end,label\nridge/a.wav,1,2,owl\nb.wav,3,4,owl\ncreek/a.wav,5,6,owl\nc.wav,7,8,owl\n"
  const { answer, tables } = await added(table, "night.csv", RIDGE)
  const named = (row: number, file: string) => ({
    row,
    reason: expect.stringContaining(`It names ${file}, which is not ${RIDGE}:`)
  })
  expect(answer).toEqual({
    annotations: 1,
    recordings: [RIDGE],
    problems: [named(3, "b.wav"), named(4, "creek/a.wav"), named(5, "c.wav")],
    missing: []
  })
  expect(tables).toEqual(["annotations/ridge/a.csv"])
  expect(await added("file,start,end,label\nb.wav,3,4,owl\n0,0,0,\n", "night.csv", RIDGE)).toMatchObject({
    answer: { refused: expect.stringContaining("It names b.wav") },
    tables: []
  })
})

test("a name that two recordings have is taken for the one chosen, and else asked for", async () => {
  const several = `It may be of any of these: ${RIDGE}, ${CREEK}. Name its folder or its ending, too.`
  for (const [text, name] of [
    ["file,start,end,label\na.wav,1,2,owl\n", "night.csv"],
    ["1\t2\towl\n", "a.txt"]
  ] as const) {
    expect(await added(text, name)).toMatchObject({ answer: { refused: several }, tables: [] })
    expect((await added(text, name, CREEK)).tables).toEqual(["annotations/creek/a.csv"])
  }
  const { answer } = await added("file,start,end,label\nb.wav,1,2,owl\na.wav,1,2,owl\nc.wav,1,2,owl\n", "night.csv")
  expect(answer).toMatchObject({ recordings: [OTHER], problems: [{ row: 3, reason: several }], missing: ["c.wav"] })
})

test("what lies behind the recording's end is told when it is added, and what goes on there is cut", async () => {
  const wav = encodeWav({ samples: new Float32Array(32_000), sampleRate: 16_000 }).bytes.slice()
  const rows = "0.5,1,owl\n1,30,owl\n40,50,owl\n2,2.2,owl\n0,60,complete\n"
  const { answer, textOf } = await added(`start,end,label\n${rows}`, "a.csv", RIDGE, { [RIDGE]: wav })
  const [goesOn, behind] = [
    "It goes on behind the recording, which ends at 2 s, and is used up to there.",
    "It lies behind the recording, which ends at 2 s: is it another's table?"
  ]
  expect(answer).toMatchObject({
    annotations: 3,
    problems: [
      { row: 3, reason: goesOn },
      { row: 4, reason: behind },
      { row: 6, reason: goesOn }
    ]
  })
  const head = "start,end,label,confidence,annotator,low,high\n"
  const kept = "0.000,2.000,complete,,,,\n0.500,1.000,owl,,,,\n1.000,2.000,owl,,,,\n2.000,2.200,owl,,,,\n"
  expect(textOf("annotations/ridge/a.csv")).toBe(head + kept)
  // Of a file that does not tell, what was heard of it does.
  const heard = await added("9,12,owl\n", "b.csv")
  expect(heard.answer).toMatchObject({ problems: [{ row: 1, reason: goesOn.replace("2 s", "10 s") }] })
  expect((await added("9,12,owl\n", "b.csv", CREEK)).answer).toMatchObject({ annotations: 1, problems: [] })
})

test("a table without a row that can be used is refused, and what was there stays", async () => {
  const before = "start,end,label\n1,2,gull\n"
  for (const [text, reason] of [
    ["start,end,label\nx,2,owl\n3,1,owl\n", 'Row 2: Its start, "x", is not a number of seconds. 1 more row'],
    ["start,end,label\n11,12,owl\n", "Row 2: It lies behind the recording, which ends at 10 s: is it another's table?"],
    ["start,start,label,end\n1,1,owl,2\n", "Row 1: Its columns 1 and 2 are of one meaning (start, start)"],
    ["start,end,label\n", "It has no row that says what is where, and nothing is changed"],
    ["start,end,label\n0,3,nocall\n", "It has no row that says what is where, and nothing is changed"]
  ] as const) {
    const table = "annotations/ridge/b.csv"
    const { answer, tables, textOf } = await added(text, "b.csv", OTHER, { [table]: new TextEncoder().encode(before) })
    expect(answer).toEqual({ refused: expect.stringContaining(reason) })
    expect([tables, textOf(table)]).toEqual([[table], before])
  }
})

test("where one of its recordings has annotations that cannot be changed, nothing of the table is added", async () => {
  const shared = "file,start,end,label\nb.wav,1,2,gull\nz.wav,1,2,gull\n"
  const [text, name] = ["file,start,end,label\nridge/a.wav,1,2,owl\nb.wav,3,4,owl\n", "night.csv"]
  for (const [before, reason] of [
    ["of no columns that are known\n", "annotations/ridge/b.csv cannot be read, so nothing is written to it"],
    [shared, "annotations/ridge/b.csv has rows of other recordings, too, so nothing is written to it"]
  ] as const) {
    const table = "annotations/ridge/b.csv"
    const { answer, tables, textOf } = await added(text, name, undefined, { [table]: new TextEncoder().encode(before) })
    expect(answer).toEqual({ refused: expect.stringContaining(reason) })
    expect([tables, textOf(table)]).toEqual([[table], before])
  }
})
