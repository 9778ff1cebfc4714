import { Effect, Option, Schema } from "effect"
import { readDocument, unlessChanged, writeDocument } from "../store/documents.ts"
import { CURRENT_KEY } from "../store/keys.ts"
import { Store, StoreError } from "../store/store.ts"

const Promotion = Schema.Struct({ runId: Schema.String, promotedAt: Schema.String })

const Pointer = Schema.Struct({
  ...Promotion.fields,
  /** What was promoted before, the latest first: where a rollback goes. */
  history: Schema.optionalKey(Schema.Array(Promotion))
})

/** A rollback further than this wants a look at the versions, not a list. */
const HISTORY = 100

/** The promoted version, and the pointer's own version for the conditional write that moves it. */
export interface Promoted {
  readonly runId: string
  readonly promotedAt: string
  readonly history: ReadonlyArray<typeof Promotion.Type>
  readonly etag: string
}

/** Reads which version is promoted; none before the first promotion. */
export const readPointer = Effect.fn("readPointer")(function* () {
  const store = yield* Store
  const found = yield* readDocument(CURRENT_KEY, Pointer).pipe(
    Effect.catchTag("DocumentError", ({ key }) => {
      const message = `${store.location}/${key} does not name a run: restore it, or remove it to start without a promoted model.`
      return Effect.fail(new StoreError({ reason: "invalid", key, message }))
    })
  )
  return Option.map(found, ({ value, etag }): Promoted => ({ history: [], ...value, etag }))
})

/** Moves the pointer to `to`, unless somebody else has moved it since `from` was read. */
export const movePointer = Effect.fn("movePointer")(function* (
  to: Omit<Promoted, "etag">,
  from: Option.Option<Promoted>
) {
  const history = to.history.slice(0, HISTORY)
  yield* writeDocument(CURRENT_KEY, Pointer, { ...to, history }, unlessChanged(from))
})
