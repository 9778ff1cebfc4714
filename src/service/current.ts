import { Context, Effect, Layer, Option, Schema } from "effect"
import { type Promoted, readPointer } from "../registry/pointer.ts"
import { DocumentError, decodeDocument } from "../store/documents.ts"
import { versionKey } from "../store/keys.ts"
import { orNone, Store, type StoreError } from "../store/store.ts"
import { unpickle } from "./unpickle.ts"

const Metadata = Schema.Struct({
  model_name: Schema.String,
  training_date: Schema.String,
  test_accuracy: Schema.optionalKey(Schema.Finite),
  macro_f1: Schema.optionalKey(Schema.Finite),
  classes: Schema.Array(Schema.String),
  decision_thresholds: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite))
})
const Curves = Schema.Record(Schema.String, Schema.Array(Schema.Number))

/** The promoted version: what the service tells of it. */
export interface Model {
  readonly runId: string
  readonly metadata: typeof Metadata.Type
  /** `performance_metrics.json`, as it is. */
  readonly metrics: Schema.Json
  /** Keras' figures, a list each. */
  readonly history: typeof Curves.Type
  readonly log: Schema.Json
}

/** How late a promotion by another process may be seen; promotions by this one are seen at once. */
const POINTER_AGE = "2 seconds"

/** Which version is promoted, read again every 2 s at most. */
export class Current extends Context.Service<
  Current,
  {
    readonly model: Effect.Effect<Option.Option<Model>, StoreError>
    /** Looks at the store at the next question. */
    readonly forget: Effect.Effect<void>
    /** What was known last, without asking. */
    readonly last: () => string | undefined
  }
>()("ecosight/service/Current") {
  static readonly layer = Layer.effect(
    Current,
    Effect.gen(function* () {
      const store = yield* Store
      let last: Model | undefined

      const read = (pointer: Option.Option<Promoted>) => {
        if (Option.isNone(pointer)) return Effect.succeedNone
        const { runId } = pointer.value
        return last?.runId === runId
          ? Effect.succeedSome(last)
          : readModel(runId).pipe(
              Effect.map((model) => {
                last = model
                return Option.some(model)
              })
            )
      }
      const [model, forget] = yield* readPointer().pipe(
        Effect.flatMap(read),
        Effect.provideService(Store, store),
        Effect.cachedInvalidateWithTTL(POINTER_AGE)
      )
      return Current.of({ model, forget, last: () => last?.runId })
    })
  )
}

/** Reads what a version says of itself. A file that is missing or damaged leaves that part empty, with a warning. */
export const readModel = Effect.fn("readModel")(function* (runId: string) {
  const store = yield* Store
  const part = <A, E extends { readonly message: string }>(
    file: string,
    absent: A,
    decode: (key: string, bytes: Uint8Array) => Effect.Effect<A, E>
  ) => {
    const key = versionKey(runId, file)
    return orNone(store.get(key)).pipe(
      Effect.flatMap(
        Option.match({
          onNone: () => Effect.succeed(absent),
          onSome: ({ bytes }) =>
            Effect.catch(decode(key, bytes), ({ message }) => Effect.as(Effect.logWarning(message), absent))
        })
      )
    )
  }
  const document =
    <A>(schema: Schema.ConstraintDecoder<A>) =>
    (key: string, bytes: Uint8Array) =>
      decodeDocument(key, schema, bytes)
  const unknown: typeof Metadata.Type = { model_name: "Unknown", training_date: "Unknown", classes: [] }
  const model: Model = {
    runId,
    metadata: yield* part("model_metadata.json", unknown, document(Metadata)),
    metrics: yield* part("performance_metrics.json", null, document(Schema.Json)),
    history: yield* part("training_history.pkl", {}, (key, bytes) =>
      unpickle(bytes).pipe(
        Effect.flatMap((value) => Schema.decodeUnknownEffect(Curves)(value)),
        Effect.mapError(({ message }) => new DocumentError({ key, message: `${key} cannot be read: ${message}` }))
      )
    ),
    log: yield* part("retraining_log.json", null, document(Schema.Json))
  }
  return model
})
