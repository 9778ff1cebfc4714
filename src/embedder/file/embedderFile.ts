import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { Effect } from "effect"
import type { Embedder } from "../embedder.ts"
import { type Description, EmbedderError, idOf, readDescription, samplesOf } from "./description.ts"
import { frontEndOf } from "./frontEnd.ts"
import { inspectModel } from "./inspect.ts"

const DESCRIPTION_FILE = "embedder.json"

/** Windows that are embedded together where the model takes any number: such networks are large, and hear seconds each. */
const BATCH = 8

/** Whether an embedder is given by its file. */
export const isFile = (name: string): boolean => name.endsWith(".onnx")

/** What an embedder of this description hears with; it needs no weights. */
export const frontEndIn = (description: Description) =>
  frontEndOf({
    id: idOf(description),
    sampleRate: description.sample_rate,
    ...samplesOf(description),
    vectors: description.outputs
  })

/** What is said of the embedder in an ONNX file, in `embedder.json` beside it. */
export const describeFile = Effect.fn("describeFile")(function* (file: string) {
  const beside = join(dirname(resolve(file)), DESCRIPTION_FILE)
  const json = yield* Effect.tryPromise({
    // A byte order mark is no part of the text, as a decoder reads it.
    try: async () => new TextDecoder().decode(await readFile(beside)),
    catch: () =>
      new EmbedderError({
        message: `${file} needs ${DESCRIPTION_FILE} beside it, which cannot be read: it says what the embedder is.`
      })
  })
  return yield* readDescription(beside, json)
})

/** The embedder in an ONNX file, once it is what `embedder.json` beside it says. */
export const openEmbedderFile = Effect.fn("openEmbedderFile")(function* (file: string) {
  const bytes = yield* Effect.tryPromise({
    try: () => readFile(file),
    catch: () =>
      new EmbedderError({ message: `${file} cannot be read: EMBEDDER and --to take the path of an ONNX file.` })
  })
  return yield* embedderOfFile(file, yield* describeFile(file), bytes)
})

/** The embedder of a description in these bytes; `source` says where they were found. */
export const embedderOfFile = Effect.fn("embedderOfFile")(function* (
  source: string,
  description: Description,
  bytes: Uint8Array
) {
  const hash = createHash("sha256").update(bytes).digest("hex")
  if (hash !== description.sha256) {
    return yield* new EmbedderError({
      message: `${source} is not the file that ${DESCRIPTION_FILE} describes: its SHA-256 is ${hash}, not ${description.sha256}.`
    })
  }
  const { patchShape, batch = BATCH } = yield* inspectModel(source, description, bytes)
  const frontEnd = frontEndIn(description)
  const embedder: Embedder = {
    frontEnd,
    patchShape,
    batch,
    model: () => bytes,
    name: frontEnd.id,
    hash,
    source,
    file: { description, bytes }
  }
  return embedder
})
