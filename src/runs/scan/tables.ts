import { dirname, join } from "node:path"
import { Effect, FileSystem } from "effect"
import type { Event } from "../../classifier/events/event.ts"
import { explain } from "../../store/folder-error.ts"
import { FIELD_PREFIX } from "../../store/keys.ts"
import { WRITERS, type WriterName, writeTable } from "../../stream/annotations/formats.ts"

export const TABLE_FORMATS = Object.keys(WRITERS) as ReadonlyArray<WriterName>

/**
 * Writes events as tables into a folder: one for each recording, named as it is, in formats that have no column for it,
 * else one of all, `events` with the format's ending. Recordings without events get none; those that differ in their endings
 * alone keep them in their tables' names. Returns the tables' paths.
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
  const byRecording = Map.groupBy(sorted, ({ recording }) => recording)
  const namesakes = Map.groupBy(byRecording.keys(), withoutEnding)
  const called = (recording: string): string =>
    (namesakes.get(withoutEnding(recording))!.length > 1 ? recording : withoutEnding(recording)).slice(
      FIELD_PREFIX.length
    )
  const tables = formats.flatMap((format) => {
    const writer = WRITERS[format]
    if (!writer.perRecording) return [{ path: join(folder, nameOf(format)), text: writeTable(writer, sorted) }]
    return [...byRecording].map(([recording, own]) => ({
      path: join(folder, `${called(recording)}${writer.ending}`),
      text: writeTable(writer, own)
    }))
  })
  for (const { path, text } of tables) {
    yield* makeDirectory(dirname(path), { recursive: true }).pipe(
      Effect.andThen(writeFileString(path, text)),
      Effect.mapError(({ reason }) => explain(path, path, "written")(reason.cause))
    )
  }
  return tables.map(({ path }) => path)
})

/** `events.csv`, and `events.kaleidoscope.csv`, which ends as another format does. */
const nameOf = (format: WriterName): string => {
  const { ending } = WRITERS[format]
  return ending === `.${format}` ? `events${ending}` : `events.${format}${ending}`
}

const withoutEnding = (path: string): string => path.replace(/(?<=[^/])\.[^./]*$/, "")
