import { Effect, Option, type Schema } from "effect"
import { type Document, type DocumentError, readDocument } from "./documents.ts"
import { damagedKey } from "./keys.ts"
import { Store } from "./store.ts"

/**
 * Renames a damaged object to `<key>.damaged-<hash>`, and warns once: `why` is a sentence, `loss` completes "and".
 *
 * Where that is not possible (a dry run, no permission) the object stays, and is met again: that alone stops nobody.
 */
export const setAside = Effect.fn("setAside")(function* (key: string, why: string, loss: string) {
  const store = yield* Store
  yield* store.get(key).pipe(
    Effect.flatMap(({ bytes }) => {
      const aside = damagedKey(key, bytes)
      return store
        .put(aside, bytes)
        .pipe(
          Effect.andThen(store.remove(key)),
          Effect.andThen(Effect.logWarning(`${why} It is set aside as ${aside}, and ${loss}.`))
        )
    }),
    Effect.catch(({ message }) => Effect.logWarning(`${why} It is passed over, but stays: ${message}`))
  )
})

/** Reads the document at `key`: nothing where there is none, or where it is damaged and is set aside. */
export const readOrSetAside = Effect.fn("readOrSetAside")(function* <A>(
  key: string,
  schema: Schema.ConstraintDecoder<A>,
  loss: string
) {
  return yield* readDocument(key, schema).pipe(
    Effect.catchTag("DocumentError", (error: DocumentError) =>
      Effect.as(setAside(key, error.message, loss), Option.none<Document<A>>())
    )
  )
})
