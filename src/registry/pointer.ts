import { Effect, Option, Schema } from "effect"
import { CURRENT_KEY } from "../store/keys.ts"
import { Store, StoreError } from "../store/store.ts"

const Pointer = Schema.fromJsonString(Schema.Struct({ runId: Schema.String, promotedAt: Schema.String }))

/** The promoted version, and the pointer's own version for the conditional write that moves it. */
export interface Promoted {
  readonly runId: string
  readonly etag: string
}

/** Reads which version is promoted; none before the first promotion. */
export const readPointer = Effect.fn("readPointer")(function* () {
  const store = yield* Store
  const found = yield* orNone(store.get(CURRENT_KEY))
  if (Option.isNone(found)) return Option.none<Promoted>()
  const { runId } = yield* Schema.decodeUnknownEffect(Pointer)(new TextDecoder().decode(found.value.bytes)).pipe(
    Effect.mapError(
      () =>
        new StoreError({
          reason: "invalid",
          key: CURRENT_KEY,
          message: `${store.location}/${CURRENT_KEY} does not name a run: restore it, or remove it to start without a promoted model.`
        })
    )
  )
  return Option.some<Promoted>({ runId, etag: found.value.etag })
})

/** Moves the pointer to `runId`, unless somebody else has moved it since `from` was read. */
export const movePointer = Effect.fn("movePointer")(function* (
  runId: string,
  promotedAt: string,
  from: Option.Option<Promoted>
) {
  const store = yield* Store
  const json = yield* Schema.encodeEffect(Pointer)({ runId, promotedAt }).pipe(Effect.orDie)
  yield* store.put(
    CURRENT_KEY,
    new TextEncoder().encode(json),
    Option.match(from, {
      onNone: () => ({ ifNoneMatch: "*" as const }),
      onSome: ({ etag }) => ({ ifMatch: etag })
    })
  )
})

/** Turns "there is no such object" into None, and leaves every other failure. */
export const orNone = <A, R>(self: Effect.Effect<A, StoreError, R>): Effect.Effect<Option.Option<A>, StoreError, R> =>
  self.pipe(
    Effect.map(Option.some),
    Effect.catchIf(
      (error) => error.reason === "missing",
      () => Effect.succeedNone
    )
  )
