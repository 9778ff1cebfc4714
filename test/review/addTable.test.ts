import { expect, test } from "bun:test"
import { ConfigProvider, Effect, Layer } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { addTable } from "../../src/review/addTable.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"

const [RIDGE, CREEK, OTHER] = ["field_audio/ridge/a.wav", "field_audio/creek/a.wav", "field_audio/ridge/b.wav"]

/** What comes of a table that is added, or why it is not, and what lies in the store then. */
const added = async (text: string, name: string, asked?: string, recordings = [RIDGE, CREEK, OTHER]) => {
  const bytes = (content: string) => new TextEncoder().encode(content)
  const objects = new Map(recordings.map((key) => [key, bytes(key)]))
  const settings = Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} }))))
  const answer = await Effect.runPromise(
    addTable(bytes(text), name, recordings, asked).pipe(
      Effect.catchTag("AnnotationError", ({ message }) => Effect.succeed({ refused: message })),
      Effect.provideService(Store, memoryStore(objects)),
      Effect.provide(settings)
    )
  )
  return { answer, tables: [...objects.keys()].filter((key) => !recordings.includes(key)) }
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
  expect(await added("file,start,end,label\nb.wav,3,4,owl\n0,0,0,\n", "night.csv", RIDGE)).toEqual({
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
    expect(await added(text, name)).toEqual({ answer: { refused: several }, tables: [] })
    expect((await added(text, name, CREEK)).tables).toEqual(["annotations/creek/a.csv"])
  }
  const { answer } = await added("file,start,end,label\nb.wav,1,2,owl\na.wav,1,2,owl\nc.wav,1,2,owl\n", "night.csv")
  expect(answer).toMatchObject({ recordings: [OTHER], problems: [{ row: 3, reason: several }], missing: ["c.wav"] })
})
