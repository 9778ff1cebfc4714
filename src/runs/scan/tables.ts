import { dirname, join } from "node:path"
import { Effect, FileSystem } from "effect"
import type { Event } from "../../classifier/events/event.ts"
import { FIELD_PREFIX } from "../../store/keys.ts"
import { WRITERS, type WriterName, writeTable } from "../../stream/annotations/formats.ts"

export const TABLE_FORMATS = Object.keys(WRITERS) as ReadonlyArray<WriterName>

/**
 * Writes events as tables into a folder: one for each recording, named as it is, in formats that have no column for it,
 * else one of all, `events` with the format's ending. Recordings without events get none. Returns the tables' paths.
 */
export const writeTables = Effect.fn("writeTables")(function* (
  folder: string,
  formats: ReadonlyArray<WriterName>,
  events: ReadonlyArray<Event>
) {
  const { makeDirectory, writeFileString } = yield* FileSystem.FileSystem
  const sorted = events.toSorted((a, b) =>
    a.recording < b.recording ? -1 : a.recording > b.recording ? 1 : a.start - b.start
  )
  const tables = formats.flatMap((format) => {
    const writer = WRITERS[format]
    if (!writer.perRecording)
      return [{ path: join(folder, `events${writer.ending}`), text: writeTable(writer, sorted) }]
    return [...Map.groupBy(sorted, ({ recording }) => recording)].map(([recording, own]) => ({
      path: join(folder, `${withoutEnding(recording.slice(FIELD_PREFIX.length))}${writer.ending}`),
      text: writeTable(writer, own)
    }))
  })
  for (const { path, text } of tables) {
    yield* makeDirectory(dirname(path), { recursive: true })
    yield* writeFileString(path, text)
  }
  return tables.map(({ path }) => path)
})

const withoutEnding = (path: string): string => path.replace(/(?<=[^/])\.[^./]*$/, "")
