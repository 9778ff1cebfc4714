import { DateTime, Effect, Option, Schema } from "effect"
import { type Document, readDocument, readDocumentIfWhole, unlessChanged, writeDocument } from "../store/documents.ts"
import { CURRENT_KEY, MODELS_PREFIX, modelKey, runKey } from "../store/keys.ts"
import { setAside } from "../store/setAside.ts"
import type { Store, StoreError } from "../store/store.ts"
import { RunName } from "./runRecord.ts"
import { listStored, METADATA_FILE } from "./versionFiles.ts"

const Promotion = Schema.Struct({ runId: RunName, promotedAt: Schema.String })

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

/** Reads which version is promoted; none before the first promotion. A damaged pointer is made anew. */
export const readPointer = Effect.fn("readPointer")(function* (): Effect.fn.Return<
  Option.Option<Promoted>,
  StoreError,
  Store
> {
  const found = yield* readDocument(CURRENT_KEY, Pointer).pipe(
    Effect.catchTag("DocumentError", ({ message }) => recoverPointer(message))
  )
  return Option.map(
    found,
    ({ value, etag }): Promoted => ({
      ...value,
      // However long somebody has made it.
      history: (value.history ?? []).slice(0, HISTORY),
      etag
    })
  )
})

const Copied = Schema.Struct({ run_id: Schema.String })
const Published = Schema.Struct({ summary: Schema.Struct({ promoted: Schema.Literal(true) }) })

/**
 * Sets the pointer aside and makes it anew: the copies under `models/` tell which version was promoted, and run records
 * which were before it.
 */
const recoverPointer = Effect.fnUntraced(function* (why: string) {
  const copied = yield* readDocumentIfWhole(modelKey(METADATA_FILE), Copied)
  const runId = Option.getOrUndefined(copied)?.value.run_id
  const stored = (yield* listStored).filter(({ isWhole }) => isWhole)
  const at = stored.findIndex((version) => version.runId === runId)
  if (runId === undefined || at < 0) {
    yield* setAside(CURRENT_KEY, why, "no model is promoted until one is: bun run models promote")
    return Option.none<Document<typeof Pointer.Type>>()
  }
  yield* setAside(CURRENT_KEY, why, `${runId} is promoted, whose copies are in ${MODELS_PREFIX}`)
  const promotedAt = DateTime.formatIso(yield* DateTime.now)
  const before = yield* Effect.filter(stored.slice(0, at), ({ runId }) =>
    Effect.map(readDocumentIfWhole(runKey(runId), Published), Option.isSome)
  )
  const history = before.toReversed().map(({ runId }) => ({ runId, promotedAt }))
  const pointer = { runId, promotedAt, history }
  return yield* writeDocument(CURRENT_KEY, Pointer, pointer, { ifNoneMatch: "*" }).pipe(
    Effect.map(({ etag }) => Option.some({ value: pointer, etag })),
    // Another process has made it, or this one may not: it is the same.
    Effect.catch(() => Effect.succeedSome({ value: pointer, etag: "" }))
  )
})

/** Moves the pointer to `to`, unless somebody else has moved it since `from` was read. */
export const movePointer = Effect.fn("movePointer")(function* (
  to: Omit<Promoted, "etag">,
  from: Option.Option<Promoted>
) {
  const history = to.history.slice(0, HISTORY)
  yield* writeDocument(CURRENT_KEY, Pointer, { ...to, history }, unlessChanged(from))
})
