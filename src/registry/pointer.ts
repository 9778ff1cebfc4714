import { Effect, Option, Schema } from "effect"
import { CURRENT_KEY } from "../store/keys.ts"
import { orNone, Store, StoreError } from "../store/store.ts"

const Promotion = Schema.Struct({ runId: Schema.String, promotedAt: Schema.String })

const Pointer = Schema.fromJsonString(
  Schema.Struct({
    ...Promotion.fields,
    /** What was promoted before, the latest first: where a rollback goes. */
    history: Schema.optionalKey(Schema.Array(Promotion))
  })
)

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
  const found = yield* orNone(store.get(CURRENT_KEY))
  if (Option.isNone(found)) return Option.none<Promoted>()
  const pointer = yield* Schema.decodeUnknownEffect(Pointer)(new TextDecoder().decode(found.value.bytes)).pipe(
    Effect.mapError(
      () =>
        new StoreError({
          reason: "invalid",
          key: CURRENT_KEY,
          message: `${store.location}/${CURRENT_KEY} does not name a run: restore it, or remove it to start without a promoted model.`
        })
    )
  )
  return Option.some<Promoted>({ history: [], ...pointer, etag: found.value.etag })
})

/** Moves the pointer to `to`, unless somebody else has moved it since `from` was read. */
export const movePointer = Effect.fn("movePointer")(function* (
  to: Omit<Promoted, "etag">,
  from: Option.Option<Promoted>
) {
  const store = yield* Store
  const json = yield* Schema.encodeEffect(Pointer)({ ...to, history: to.history.slice(0, HISTORY) }).pipe(Effect.orDie)
  yield* store.put(
    CURRENT_KEY,
    new TextEncoder().encode(json),
    Option.match(from, {
      onNone: () => ({ ifNoneMatch: "*" as const }),
      onSome: ({ etag }) => ({ ifMatch: etag })
    })
  )
})
