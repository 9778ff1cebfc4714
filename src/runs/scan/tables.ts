import { basename, dirname, join } from "node:path"
import { Effect, FileSystem } from "effect"
import type { Event } from "../../classifier/events/event.ts"
import { explain } from "../../store/folder-error.ts"
import { FIELD_PREFIX } from "../../store/keys.ts"
import { sha256 } from "../../store/sha256.ts"
import type { Detection, TableWriter } from "../../stream/annotations/annotation.ts"
import { WRITERS, type WriterName, writeTable } from "../../stream/annotations/formats.ts"

export const TABLE_FORMATS = Object.keys(WRITERS) as ReadonlyArray<WriterName>

/**
 * Writes events as tables into a folder: one for each recording, named as it is, in formats that have no column for it,
 * else one of all, `events` with the format's ending. Recordings without events get none; those that differ in their endings
 * alone keep them in their tables' names. A name that would be too long for a file is shortened. What a person says of an
 * event, `judgedAs`, stands in formats that have a place for it. Returns the tables' paths.
 */
export const writeTables = Effect.fn("writeTables")(function* (
  folder: string,
  formats: ReadonlyArray<WriterName>,
  events: ReadonlyArray<Event>,
  judgedAs: (event: Event) => string | undefined = () => undefined
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
  const rowsOf = ({ tellsJudged }: TableWriter, own: ReadonlyArray<Event>): ReadonlyArray<Detection> =>
    tellsJudged === true ? own.map((event) => ({ ...event, judged: judgedAs(event) })) : own
  const tables = formats.flatMap((format) => {
    const writer = WRITERS[format]
    if (!writer.perRecording)
      return [{ path: join(folder, nameOf(format)), text: writeTable(writer, rowsOf(writer, sorted)) }]
    return [...byRecording].map(([recording, own]) => ({
      path: join(folder, dirname(called(recording)), shortened(basename(called(recording)), recording, writer.ending)),
      text: writeTable(writer, rowsOf(writer, own))
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

/** What file systems take as a name, in bytes. */
const MOST_BYTES = 255

/** A table's name; where no file can have it, its beginning with what tells it from others that begin so. */
const shortened = (name: string, recording: string, ending: string): string => {
  if (Buffer.byteLength(name + ending) <= MOST_BYTES) return name + ending
  const rest = `~${sha256(recording).slice(0, 8)}${ending}`
  const letters = [...name]
  while (Buffer.byteLength(letters.join("") + rest) > MOST_BYTES) letters.pop()
  return letters.join("") + rest
}
