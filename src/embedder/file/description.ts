import { Effect, Result, Schema } from "effect"

/** An embedder that a file holds, and that cannot be used; `message` is one sentence. */
export class EmbedderError extends Schema.TaggedError<EmbedderError>()("EmbedderError", { message: Schema.String }) {}

const text = Schema.String.check(Schema.isPattern(/\S/))
const count = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most }))
const seconds = Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 60 }))

/** What `embedder.json` says of the ONNX file beside it. */
export const Description = Schema.Struct({
  /** What recipes and records call it, with the beginning of its hash. */
  id: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)),
  /** Of the sound that it takes, in Hz. */
  sample_rate: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 384_000 })),
  /** Seconds that a vector hears, and from one vector's to the next one's. */
  window: seconds,
  hop: seconds,
  /** The model's outputs that are used, by its own names, and floats of each for a window; the first is the embedding. */
  outputs: Schema.Record(text, count(100_000)).check(
    Schema.makeFilter((outputs) => Object.keys(outputs).length > 0 && Object.keys(outputs).length <= 16)
  ),
  /** Whose it is and what it allows: every model card says it. */
  licence: text,
  /** Of the ONNX file, in hexadecimal. */
  sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))
})
export type Description = typeof Description.Type

/** What each member must be, for people. */
const MEMBERS: Readonly<Record<keyof Description, string>> = {
  id: "a name of letters, digits, dots, hyphens and underscores, 64 at most",
  sample_rate: "a whole number of Hz from 1000 to 384000",
  window: "the seconds that a vector hears, from 0.01 to 60",
  hop: "the seconds from one window to the next, from 0.01 to 60",
  outputs: 'the model\'s outputs by name with the floats of each for a window, such as {"embedding": 1024}',
  licence: "the embedder's licence in words: every model card says it",
  sha256: "the SHA-256 of the ONNX file, 64 hexadecimal digits in lower case"
}

const members = Object.keys(MEMBERS) as ReadonlyArray<keyof Description>

/** Samples of a window and of a hop. */
export const samplesOf = ({ sample_rate, window, hop }: Pick<Description, "sample_rate" | "window" | "hop">) => ({
  window: Math.round(window * sample_rate),
  hop: Math.round(hop * sample_rate)
})

/** What records and recipes call an embedder: files of one name are told apart, for their vectors mean different things. */
export const idOf = ({ id, sha256 }: Pick<Description, "id" | "sha256">): string => `${id}@${sha256.slice(0, 8)}`

/** Reads a description from a file's text; `file` is for people. */
export const readDescription = Effect.fn("readDescription")(function* (file: string, json: string) {
  const fail = (why: string) => new EmbedderError({ message: `${file} ${why}.` })
  const parsed = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)))(json)
  if (Result.isFailure(parsed)) return yield* fail("is no JSON object")
  const given = parsed.success
  for (const name of members) {
    if (given[name] === undefined) return yield* fail(`lacks "${name}": it must be ${MEMBERS[name]}`)
    const isRight: (value: unknown) => boolean = Schema.is(Description.fields[name])
    if (!isRight(given[name])) {
      return yield* fail(`has ${JSON.stringify(given[name])} as "${name}", which must be ${MEMBERS[name]}`)
    }
  }
  const description = Schema.decodeUnknownSync(Description)(given)
  if (description.hop > description.window) {
    return yield* fail(`has a hop of ${description.hop} s, longer than the window of ${description.window} s`)
  }
  for (const name of ["window", "hop"] as const) {
    const samples = description[name] * description.sample_rate
    if (Math.abs(samples - Math.round(samples)) > 1e-3) {
      return yield* fail(
        `has a ${name} of ${description[name]} s, which is no whole number of samples at its sample_rate`
      )
    }
  }
  return description
})
