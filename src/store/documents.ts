import { Effect, Option, Schema } from "effect"
import { orNone, type PutCondition, Store, type StoreError } from "./store.ts"

// JSON documents in a store: everything in it that is neither sound nor vectors nor a model's weights.

/** A document that is there but is not what it should be; `message` is one sentence. */
export class DocumentError extends Schema.TaggedError<DocumentError>()("DocumentError", {
  key: Schema.String,
  message: Schema.String
}) {}

/** A document's value, and the version that it was read from. */
export interface Document<A> {
  readonly value: A
  readonly etag: string
}

/** The document in these bytes, which were found at `key`. */
export const decodeDocument = <A>(
  key: string,
  schema: Schema.ConstraintDecoder<A>,
  bytes: Uint8Array
): Effect.Effect<A, DocumentError> => {
  const unreadable = (why: string) => new DocumentError({ key, message: `${key} cannot be read: ${why}.` })
  if (isDeep(bytes)) return Effect.fail(unreadable(`it is nested more than ${DEEPEST} levels deep`))
  return Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(new TextDecoder().decode(bytes)).pipe(
    Effect.mapError(({ message }) => unreadable(flaw(bytes, message)))
  )
}

/** No document here comes near it; what goes on for ever would take seconds, and the stack. */
const DEEPEST = 100

const [QUOTE, BACKSLASH, OPENING, CLOSING] = [...'"\\[]'].map((letter) => letter.charCodeAt(0))

const isDeep = (bytes: Uint8Array): boolean => {
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) {
      while (++at < bytes.length && bytes[at] !== QUOTE) if (bytes[at] === BACKSLASH) at++
      // Braces differ from brackets by this bit alone.
    } else if ((byte & ~0x20) === OPENING) {
      if (++depth > DEEPEST) return true
    } else if ((byte & ~0x20) === CLOSING) depth--
  }
  return false
}

/** What is wrong with a document: the kinds that a crash leaves, or where it has another shape. */
const flaw = (bytes: Uint8Array, message: string): string => {
  if (bytes.length === 0) return "it is empty"
  if (bytes.every((byte) => byte === 0)) return "it holds nothing but zeros"
  return message === "Expected a valid JSON string" ? "it is no whole JSON" : message
}

/**
 * Reads the document at `key`: nothing where there is none, an error where it is damaged or of another shape. What seems
 * damaged is read once more: not every way here is checked.
 */
export const readDocument = Effect.fn("readDocument")(function* <A>(key: string, schema: Schema.ConstraintDecoder<A>) {
  const store = yield* Store
  const read = Effect.gen(function* () {
    const found = yield* orNone(store.get(key))
    if (Option.isNone(found)) return Option.none<Document<A>>()
    const { bytes, etag } = found.value
    return Option.some<Document<A>>({ value: yield* decodeDocument(key, schema, bytes), etag })
  })
  return yield* Effect.retry(read, { times: 1, while: ({ _tag }) => _tag === "DocumentError" })
})

/** The same, for what can be done without: nothing where it is damaged, too. */
export const readDocumentIfWhole = <A>(key: string, schema: Schema.ConstraintDecoder<A>) =>
  readDocument(key, schema).pipe(Effect.catchTag("DocumentError", () => Effect.succeed(Option.none<Document<A>>())))

/** What is at a key: `value` is undefined where it is damaged. */
export interface Replaceable<A> {
  readonly etag: string
  readonly value: A | undefined
}

/** The same, for what can be written anew: of one that is damaged the version alone, which the new one replaces. */
export const readDocumentOrVersion = <A>(
  key: string,
  schema: Schema.ConstraintDecoder<A>
): Effect.Effect<Option.Option<Replaceable<A>>, StoreError, Store> =>
  readDocument(key, schema).pipe(
    Effect.catchTag("DocumentError", () =>
      Effect.flatMap(Store, (store) =>
        Effect.map(
          store.find(key),
          Option.map(({ etag }): Replaceable<A> => ({ etag, value: undefined }))
        )
      )
    )
  )

/** The condition for a write that follows from what was read: that this is still there, or still nothing. */
export const unlessChanged = (found: Option.Option<{ readonly etag: string }>): PutCondition =>
  Option.match(found, { onNone: () => ({ ifNoneMatch: "*" }), onSome: ({ etag }) => ({ ifMatch: etag }) })

/** A document as it is stored: indented, for people look at it, too. */
export const encodeDocument = (value: unknown): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)

/** Writes the document at `key`, as its schema encodes it. */
export const writeDocument = Effect.fn("writeDocument")(function* <A>(
  key: string,
  schema: Schema.ConstraintCodec<A>,
  value: A,
  condition?: PutCondition
) {
  const store = yield* Store
  const encoded = yield* Schema.encodeEffect(schema)(value).pipe(Effect.orDie)
  return yield* store.put(key, encodeDocument(encoded), condition)
})
