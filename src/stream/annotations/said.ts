import { Effect, Option, Result, Stream } from "effect"
import { ANNOTATIONS_PREFIX, FIELD_PREFIX, isFieldRecording, mayBeTable } from "../../store/keys.ts"
import { isNoFile, type ObjectInfo, orNone, Store } from "../../store/store.ts"
import type { AnnotationTable, ReadOptions } from "./annotation.ts"
import { readOptions, readTable } from "./formats.ts"
import { ofSeveral, type Pairing, pairingOf } from "./pairing.ts"
import type { Problems } from "./problems.ts"
import type { Stretch } from "./spans.ts"

/** Larger files are no tables that anybody wrote. */
const MAX_TABLE_BYTES = 64_000_000
/** Tables that are read at once. */
const CONCURRENCY = 16

/** A stretch, and where it was found. */
export interface Placed extends Stretch {
  readonly table: string
  readonly row: number | undefined
}

/** An annotation, and where it was found. */
export interface SaidHere extends Placed {
  readonly label: string
}

/** What tables say of one recording. */
export interface Said {
  readonly recording: ObjectInfo
  readonly annotations: ReadonlyArray<SaidHere>
  /** What has been listened to; where nothing is annotated there, nothing is to be heard. */
  readonly complete: ReadonlyArray<Placed>
  /** Whether that is all of it. */
  readonly isComplete: boolean
}

/** Reads all tables of annotations in the store; what cannot be used is added to the problems. */
export const readSaid = Effect.fn("readSaid")(function* (problems: Problems) {
  const options = yield* readOptions
  const { recordings, tables } = yield* findTables
  const pairing = pairingOf(recordings.keys())
  const read = yield* Effect.forEach(tables, (table) => readOne(table, options, pairing, problems), {
    concurrency: CONCURRENCY
  })
  const parts = read.flat()
  const all = [...Map.groupBy(parts, ({ key }) => key)].map(([key, own]): Said => {
    const written = own.filter(({ table }) => table.startsWith(ANNOTATIONS_PREFIX))
    // What lies under annotations/ is the last word: it may be a corrected copy of what lies beside the recording.
    const used = written.length > 0 ? written : own
    tellOfSeveral(key, used, own, problems)
    return {
      recording: recordings.get(key)!,
      annotations: used.flatMap(({ annotations }) => annotations),
      complete: used.flatMap(({ complete }) => complete),
      isComplete: used.some(({ isComplete }) => isComplete)
    }
  })
  return { said: all, tables: new Set(parts.map(({ table }) => table)).size }
})

const findTables = Effect.gen(function* () {
  const store = yield* Store
  const recordings = new Map<string, ObjectInfo>()
  const tables: Array<ObjectInfo> = []
  for (const prefix of [ANNOTATIONS_PREFIX, FIELD_PREFIX]) {
    yield* store.list(prefix).pipe(
      Stream.runForEach((object) =>
        Effect.sync(() => {
          if (mayBeTable(object)) tables.push(object)
          else if (isFieldRecording(object)) recordings.set(object.key, object)
        })
      )
    )
  }
  return { recordings, tables }
})

/** What one table says of one recording. */
interface Part {
  readonly key: string
  readonly table: string
  readonly annotations: Array<SaidHere>
  readonly complete: Array<Placed>
  isComplete: boolean
}

const readOne = Effect.fnUntraced(function* (
  { key: table, size }: ObjectInfo,
  options: ReadOptions,
  pairing: Pairing,
  problems: Problems
) {
  const store = yield* Store
  const named = pairing.ofTable(table)
  // Recorders and people leave other texts beside recordings.
  const isMeant = named.length > 0 || table.startsWith(ANNOTATIONS_PREFIX)
  if (size > MAX_TABLE_BYTES) {
    if (isMeant) problems.add(table, "It is larger than 64 MB, which no table of annotations is.")
    return []
  }
  const found = yield* orNone(store.get(table)).pipe(
    Effect.catchIf(isNoFile, ({ message }) => {
      if (isMeant) problems.add(table, message)
      return Effect.succeedNone
    })
  )
  if (Option.isNone(found)) return []
  const read = readTable(found.value.bytes, options)
  if (Result.isSuccess(read)) return partsOf(table, read.success, named, pairing, problems)
  if (isMeant) problems.add(table, read.failure)
  return []
})

const partsOf = (
  table: string,
  { rows, bad, complete }: AnnotationTable,
  named: ReadonlyArray<string>,
  pairing: Pairing,
  problems: Problems
): ReadonlyArray<Part> => {
  const parts = new Map<string, Part>()
  const partOf = (file: string | undefined, row?: number): Part | undefined => {
    const called = file === undefined ? named : pairing.ofRow(table, file)
    if (called.length === 0) {
      const reason = file === undefined ? NO_RECORDING : `No recording under ${FIELD_PREFIX} is called ${file}.`
      problems.add(table, reason, row)
      return undefined
    }
    const key = called.length === 1 ? called[0] : called.find((one) => named.length === 1 && one === named[0])
    if (key === undefined) {
      problems.add(table, ofSeveral(called), row)
      return undefined
    }
    const part = parts.get(key) ?? { key, table, annotations: [], complete: [], isComplete: false }
    parts.set(key, part)
    return part
  }
  for (const { row, reason } of bad) problems.add(table, reason, row)
  for (const { row, start, end, label, file } of rows) {
    partOf(file, row)?.annotations.push({ start, end, label, table, row })
  }
  for (const { span, row, file } of complete) {
    const part = partOf(file, row)
    if (part === undefined) continue
    if (span === undefined) part.isComplete = true
    else part.complete.push({ ...span, table, row })
  }
  // A table without any row says that nobody has found anything, of the recording that it is named after.
  if (rows.length + bad.length + complete.length === 0) partOf(undefined)
  return [...parts.values()]
}

const NO_RECORDING = `It is of no recording: call it as one under ${FIELD_PREFIX}, or give it a column Begin File.`

const tellOfSeveral = (key: string, used: ReadonlyArray<Part>, own: ReadonlyArray<Part>, problems: Problems) => {
  const name = used[0]!.table
  if (used.length > 1) {
    const others = used.slice(1).map(({ table }) => table)
    problems.add(name, `${key} has other tables, too, which are used with it: ${others.join(", ")}.`)
  }
  for (const { table } of own) {
    if (!used.some((part) => part.table === table)) {
      problems.add(table, `It is not used for ${key}, whose annotations are in ${name}.`)
    }
  }
}
