import { Effect, Option, Result, Schema } from "effect"
import { Elysia } from "elysia"
import { counted } from "../config/inWords.ts"
import { type Annotatable, addTable } from "../review/addTable.ts"
import { AnnotationError, changeAnnotations, readAnnotations } from "../review/annotate.ts"
import { fileName } from "../store/keys.ts"
import type { Annotations } from "../stream/annotations/annotation.ts"
import { ANNOTATION_WRITERS, WRITERS, writeAnnotations } from "../stream/annotations/formats.ts"
import { lengthOf } from "../stream/annotations/lengthOf.ts"
import { asKept, wrongAnnotation, wrongPart } from "../stream/annotations/rules.ts"
import { Field } from "./field.ts"
import { fieldRecordingAt } from "./fieldRecordingAt.ts"
import type { Handle } from "./handle.ts"
import { Intake } from "./intake.ts"
import { refuse } from "./refusal.ts"
import { readSpooled } from "./spool.ts"
import { answers, Binary, Done, input, jsonBody, limited, multipartBody, streams, wholeNumber } from "./stated.ts"

// What rows may say is a rule of tables, which refuses with a sentence of its own.
const Row = Schema.Struct({
  start: Schema.Finite,
  end: Schema.Finite,
  label: Schema.String,
  confidence: Schema.optionalKey(Schema.Finite),
  annotator: Schema.optionalKey(Schema.String),
  low: Schema.optionalKey(Schema.Finite),
  high: Schema.optionalKey(Schema.Finite)
})
const Problem = Schema.Struct({ row: Schema.Int, reason: Schema.String })
/** A span that has been listened to completely; null for the whole recording. */
const Complete = Schema.NullOr(Schema.Struct({ start: Schema.Finite, end: Schema.Finite }))

const Listed = Schema.Struct({
  /** The table's key. */
  key: Schema.String,
  /** The recordings that it is of; the first hundred. */
  recordings: Schema.Array(Schema.String),
  format: Schema.NullOr(Schema.String),
  annotations: Schema.Int,
  labels: Schema.Array(Schema.String),
  /** Why it, or a row of it, cannot be used; the first hundred. */
  problems: Schema.Array(Schema.String)
})

const MOST_PROBLEMS = 100

const list = Effect.fnUntraced(function* ({
  skip = 0,
  limit = 50
}: {
  readonly skip?: number
  readonly limit?: number
}) {
  const tables = yield* (yield* Field).tables
  return {
    total: tables.length,
    tables: tables.slice(skip, skip + limit).map(({ key, table, said, missing }) => {
      const own = Result.isSuccess(table) ? table.success : undefined
      return {
        key,
        recordings: [...said.keys()].slice(0, MOST_PROBLEMS),
        format: own?.format ?? null,
        annotations: own?.rows.length ?? 0,
        labels: [...new Set(own?.rows.map(({ label }) => label))].sort().slice(0, MOST_PROBLEMS),
        problems: [
          ...missing.map(
            (name) => `There is no recording, or more than one, called ${name === "" ? "as it is" : name}.`
          ),
          ...(Result.isFailure(table) ? [table.failure] : []),
          ...(own?.bad ?? []).map(({ row, reason }) => `Row ${row}: ${reason}`)
        ].slice(0, MOST_PROBLEMS)
      }
    })
  }
})

/** Bytes of a body that says what is in a recording: some ten thousand annotations. */
const MOST_EDIT = 2_000_000

const refused = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.mapError(effect, (error) =>
    error instanceof AnnotationError ? refuse(STATUS[error.reason], error.message) : error
  )

const STATUS = { unreadable: 400, unusable: 422, damaged: 409, changed: 409, contradicted: 409 } as const

const show = Effect.fnUntraced(function* (asked: string) {
  const { key: recording } = yield* fieldRecordingAt(asked)
  const found = Option.getOrUndefined(yield* readAnnotations(recording))
  return {
    recording,
    etag: found?.etag ?? "",
    annotations: found?.annotations ?? [],
    complete: (found?.complete ?? []).map((part) => part ?? null),
    problems: found?.bad ?? []
  }
}, refused)

const Edit = Schema.Struct({
  recording: Schema.String,
  /** Of the annotations that were changed, as they were read; empty where there were none. */
  etag: Schema.String,
  annotations: Schema.Array(Row),
  complete: Schema.Array(Complete)
})

const edit = Effect.fnUntraced(function* ({ recording: asked, etag, annotations, complete }: typeof Edit.Type) {
  const recording = yield* fieldRecordingAt(asked)
  const after: Annotations = {
    annotations: annotations.map((one) => ({ ...one, ...asKept(one), label: one.label.trim() })),
    complete: complete.map((part) => (part === null ? undefined : asKept(part)))
  }
  const wrong = whyNot(after, yield* lengthOf(recording))
  if (wrong !== undefined) return yield* refuse(422, wrong)
  const written = yield* changeAnnotations(recording.key, () => Effect.succeed(after), etag)
  yield* (yield* Field).forget
  return { success: true, message: "Saved: the next training hears them.", etag: written.etag }
}, refused)

/** The first row or span that a table would not be read with again, and why. */
const whyNot = ({ annotations, complete }: Annotations, seconds: number | undefined): string | undefined => {
  for (const [at, one] of annotations.entries()) {
    const reason = wrongAnnotation(one, seconds)
    if (reason !== undefined) return `Row ${at + 1}: ${reason}`
  }
  for (const [at, part] of complete.entries()) {
    const reason = part && wrongPart(part, seconds)
    if (reason !== undefined) return `Span ${at + 1} of complete: ${reason}`
  }
  return undefined
}

const BesideTable = {
  fields: Schema.Struct({ recording: Schema.optionalKey(Schema.String) }),
  rules: {
    whole: "The form has a table in file, and in recording the key of the one that it is of, if that is one alone."
  }
}

const upload = (request: Request) =>
  Intake.use((intake) =>
    intake.form(
      request,
      BesideTable,
      Effect.fnUntraced(function* ({ file, fields }) {
        const bytes = yield* readSpooled(file.recording)
        const asked = fields.recording
        const chosen = asked === undefined ? [] : [yield* fieldRecordingAt(asked)]
        const known = (yield* (yield* Field).recordings).map(
          ({ recording: { key, size }, heard }): Annotatable => ({ key, size, seconds: heard?.seconds })
        )
        const listed = new Set(known.map(({ key }) => key))
        const added = yield* addTable(
          bytes,
          file.name,
          [...known, ...chosen.filter(({ key }) => !listed.has(key))],
          asked
        )
        yield* (yield* Field).forget
        const of =
          added.recordings.length === 1 ? fileName(added.recordings[0]!) : counted(added.recordings.length, "recording")
        const are = added.annotations === 1 ? "was" : "were"
        const message = `${counted(added.annotations, "annotation")} of ${of} ${are} added.`
        return { success: true, message, ...added }
      }, refused)
    )
  )

const FORMATS = ["raven", "audacity", "csv", "kaleidoscope"] as const

const save = Effect.fnUntraced(function* ({ recording: asked, format = "csv" }: typeof ExportQuery.Type) {
  const { key: recording } = yield* fieldRecordingAt(asked)
  const found = yield* readAnnotations(recording)
  if (Option.isNone(found)) return yield* refuse(404, "Nothing is annotated in this recording yet.")
  const text = writeAnnotations(ANNOTATION_WRITERS[format], found.value, recording)
  const name = `${fileName(recording).replace(/\.[^.]*$/, "")}${WRITERS[format].ending}`
  return new Response(text, {
    headers: {
      "content-type": `text/${format === "csv" || format === "kaleidoscope" ? "csv" : "tab-separated-values"}; charset=utf-8`,
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name)}`
    }
  })
}, refused)

const ExportQuery = Schema.Struct({
  recording: Schema.String,
  format: Schema.optionalKey(Schema.Literals(FORMATS))
})

/** What people say is where in field recordings: training data. */
export const annotationRoutes = (handle: Handle) =>
  new Elysia({ name: "annotations", tags: ["Field recordings"] })
    .get("/annotations", ({ request, query }) => handle(request, list(query)), {
      query: input(
        Schema.Struct({
          skip: Schema.optionalKey(wholeNumber(0, 1e9)),
          limit: Schema.optionalKey(wholeNumber(1, 500))
        }),
        "limit must be a whole number from 1 to 500, skip one of at least 0."
      ),
      response: answers(Schema.Struct({ tables: Schema.Array(Listed), total: Schema.Int }), 401, 422),
      detail: { summary: "The tables of annotations, with what cannot be used of them" }
    })
    .get("/annotations/recording", ({ request, query }) => handle(request, show(query.recording)), {
      query: input(Schema.Struct({ recording: Schema.String }), "recording must be a field recording's key."),
      response: answers(
        Schema.Struct({
          recording: Schema.String,
          etag: Schema.String,
          annotations: Schema.Array(Row),
          complete: Schema.Array(Complete),
          problems: Schema.Array(Problem)
        }),
        401,
        404,
        409,
        422
      ),
      detail: { summary: "What is said of one recording" }
    })
    .post("/annotations/recording", ({ request, body }) => handle(request, edit(body)), {
      ...jsonBody(
        Edit,
        "The body must be {recording, etag, annotations, complete}: annotations have start, end and label; complete are spans that were listened to completely, null for all.",
        MOST_EDIT
      ),
      response: answers(Schema.Struct({ ...Done, etag: Schema.String }), 400, 401, 404, 409, 413, 422),
      detail: { summary: "Says anew what is in one recording, if nobody else has meanwhile" }
    })
    .get("/annotations/table", ({ request, query }) => handle(request, save(query)), {
      query: input(ExportQuery, `recording must be a field recording's key, and format one of ${FORMATS.join(", ")}.`),
      detail: {
        summary: "A recording's annotations as a table for another program",
        responses: streams("text/csv", "The table", Schema.String, 401, 404, 409, 422)
      }
    })
    .post("/annotations", ({ request }) => handle(request, upload(request)), {
      ...multipartBody(Schema.Struct({ file: Binary, ...BesideTable.fields.fields })),
      response: answers(
        Schema.Struct({
          ...Done,
          annotations: Schema.Int,
          recordings: Schema.Array(Schema.String),
          /** Rows that could not be used, or not all of it. */
          problems: Schema.Array(Problem),
          /** Recordings that rows name, and that there are not. */
          missing: Schema.Array(Schema.String)
        }),
        400,
        401,
        404,
        408,
        409,
        413,
        415,
        422,
        429
      ),
      detail: {
        ...limited,
        summary: "Adds a table of Raven, Audacity, BirdNET, Kaleidoscope or CSV to what is said of its recordings"
      }
    })
