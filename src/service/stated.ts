import { Result, Schema, SchemaTransformation } from "effect"
import { DECIMAL, WHOLE } from "../config/forms.ts"
import { readJson } from "./intake.ts"
import { readShape } from "./shape.ts"

// Effect's schemas as the web framework, OpenAPI and the dashboard's client take them (Standard Schema).

type Stateable = Schema.ConstraintDecoder<unknown>

const standard = <S extends Stateable>(schema: S) =>
  Schema.toStandardJSONSchemaV1(Schema.toStandardSchemaV1(schema))["~standard"]

/** Stated by a route, in OpenAPI's own words, that anybody may ask. All others need the token, where one is set. */
export const open = { security: [] }

/** Stated by a route that computes or stores: each client may ask only so often. */
export const limited = { "x-rate-limited": true }

/** What a route's detail states of that. */
export const statedOf = (detail: { readonly security?: ReadonlyArray<unknown> } | undefined) => ({
  isOpen: detail?.security?.length === 0,
  isLimited: detail !== undefined && "x-rate-limited" in detail
})

/** A query of this shape and nothing besides; of any other the refusal names what is wrong, and then says the sentence. */
export const input = <S extends Stateable>(schema: S, sentence: string) => {
  const read = readShape(schema, { whole: sentence })
  return {
    "~standard": {
      ...standard(schema),
      validate: (value: unknown) =>
        Result.match(read(value), {
          onSuccess: (value) => ({ value }),
          onFailure: (message) => ({ issues: [{ message }] })
        })
    }
  }
}

/** Headers of this shape, among others; those of another are refused with the sentence. */
export const headerInput = <S extends Stateable>(schema: S, sentence: string) => {
  const own = standard(schema)
  const validate: typeof own.validate = (value) => {
    const result = own.validate(value)
    return "issues" in result && result.issues !== undefined ? { issues: [{ message: sentence }] } : result
  }
  return { "~standard": { ...own, validate } }
}

/** A body of JSON of this shape, as `input` has queries, and no longer than `readJson` takes or `most` bytes. */
export const jsonBody = <S extends Stateable>(schema: S, sentence: string, most?: number) => ({
  parse: [({ request }: { readonly request: Request }) => readJson(request, { most }), "json" as const],
  body: input(schema, sentence)
})

/** A body's shape, stated for clients: whoever handles it checks it, and sees what it has besides. */
export const stated = <S extends Stateable>(schema: S) => ({
  "~standard": { ...standard(schema), validate: (value: unknown) => ({ value: value as S["Type"] }) }
})

/** A multipart body: `Intake` reads and checks it, for the framework would hold one of any size. */
export const multipartBody = <S extends Stateable>(schema: S) => ({
  parse: [() => null, "formdata" as const],
  body: stated(schema)
})

/** A file's bytes, in a multipart body or as an answer. */
export const Binary = Schema.String.annotate({ format: "binary" })

/** What every refusal says, in one sentence. */
const Detail = Schema.Struct({ detail: Schema.String })
const detail = { "~standard": standard(Detail) }

/** Refusals that any route may give: a name or origin that is not served, a defect, a store that does not answer. */
const ALWAYS = [403, 500, 503] as const

/** A route's answers: a value of this shape, or `{detail}` with one of these statuses. What the shape lacks is not sent. */
export const answers = <S extends Stateable, const Refusals extends ReadonlyArray<number>>(
  schema: S,
  ...refusals: Refusals
) => ({
  200: { "~standard": standard(schema) },
  ...(Object.fromEntries([...refusals, ...ALWAYS].map((status) => [status, detail])) as {
    [Status in Refusals[number] | (typeof ALWAYS)[number]]: typeof detail
  })
})

/** The same for an answer that is no JSON, which only OpenAPI tells of. */
export const streams = (type: string, description: string, schema: Stateable, ...refusals: ReadonlyArray<number>) => ({
  200: { description, content: { [type]: { schema: jsonSchema(schema) } } },
  ...Object.fromEntries(
    [...refusals, ...ALWAYS].map((status) => [
      status,
      { description: `Response for status ${status}`, content: { "application/json": { schema: jsonSchema(Detail) } } }
    ])
  )
})

const jsonSchema = (schema: Stateable) => standard(schema).jsonSchema.output({ target: "draft-2020-12" })

/** A whole number in a query or header. */
export const wholeNumber = (least: number, most: number) =>
  Schema.String.annotate({ description: `A whole number from ${least} to ${most}` }).pipe(
    Schema.check(Schema.isPattern(WHOLE)),
    Schema.decodeTo(
      Schema.Int.check(Schema.isBetween({ minimum: least, maximum: most })),
      SchemaTransformation.numberFromString
    )
  )

/** Where a client of Server-Sent Events goes on: behind the last one that it has seen. */
export const lastEventId = headerInput(
  Schema.Struct({ "last-event-id": Schema.optionalKey(wholeNumber(0, Number.MAX_SAFE_INTEGER)) }),
  "Last-Event-ID must be a whole number."
)

/** A number in a form. */
export const decimal = Schema.String.check(Schema.isPattern(DECIMAL)).pipe(
  Schema.decodeTo(Schema.Finite, SchemaTransformation.numberFromString)
)

/** A number in a query. */
const number = (least: number, most: number, description: string) =>
  Schema.String.annotate({ description }).pipe(
    Schema.check(Schema.isPattern(DECIMAL)),
    Schema.decodeTo(
      Schema.Finite.check(Schema.isBetween({ minimum: least, maximum: most })),
      SchemaTransformation.numberFromString
    )
  )

/** A probability in a query. */
export const share = number(0, 1, "A number from 0 to 1")

/** Seconds in a query: of a year at most. */
export const seconds = number(0, 366 * 86_400, "Seconds")

const YES_OR_NO: Readonly<Record<string, boolean>> = {
  ...{ "1": true, true: true, yes: true, on: true },
  ...{ "0": false, false: false, no: false, off: false }
}

/** Yes or no in a query, as FastAPI takes it. */
export const yesOrNo = Schema.String.annotate({ description: "true or false; 1, 0, yes, no, on and off as well" }).pipe(
  Schema.check(Schema.makeFilter((text) => Object.hasOwn(YES_OR_NO, text.toLowerCase()))),
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform({ decode: (text) => YES_OR_NO[text.toLowerCase()]!, encode: String })
  )
)

/**
 * A moment, as what is stored has it. Clients are sent `+00:00` for the `Z`, which Python reads only from 3.11 on; both
 * are RFC 3339, and JavaScript reads both.
 */
export const Timestamp = Schema.String.annotate({ format: "date-time" }).pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transform({ decode: (text) => text.replace(/Z$/, "+00:00"), encode: (text) => text })
  )
)

/** What every change answers, beside what is its own. */
export const Done = { success: Schema.Boolean, message: Schema.String }
