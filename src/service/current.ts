import { Context, Effect, Exit, Fiber, Layer, Option, Result, Schema } from "effect"
import { readPointer } from "../registry/pointer.ts"
import { DocumentError, decodeDocument } from "../store/documents.ts"
import { versionKey } from "../store/keys.ts"
import { orNone, Store, StoreError } from "../store/store.ts"
import { copiedVersion, localCopyOf } from "./localCopy.ts"
import { Outages } from "./outages.ts"
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
  /** Whether its metadata can be read. */
  readonly isWhole: boolean
}

/** Milliseconds that a promotion by another process may go unseen; promotions by this one are seen at once. */
const POINTER_AGE = 2_000

/** Milliseconds after which one that was set aside is tried again: somebody may have put its files right. */
const ASIDE = 60_000

/** How long who asks waits for the store; after that it is answered from memory. */
const PATIENCE = "2 seconds"

/**
 * Which version is served: the promoted one, or where that cannot be used the one promoted before it; while the store is
 * away the one that was served last, from memory or from this machine's copy.
 */
export class Current extends Context.Service<
  Current,
  {
    readonly model: Effect.Effect<Option.Option<Model>, StoreError>
    /** Looks at the store at the next question. */
    readonly forget: Effect.Effect<void>
    /** What was known last, without asking. */
    readonly last: () => string | undefined
    /** A version has turned out not to be usable: the one promoted before it serves for the next minute. */
    readonly setAside: (runId: string, why: string) => Effect.Effect<void>
  }
>()("ecosight/service/Current") {
  static readonly layer = Layer.effect(
    Current,
    Effect.gen(function* () {
      const store = yield* Store
      const { tried } = yield* Outages
      const copy = yield* localCopyOf(store.location)
      const scope = yield* Effect.scope
      const unusable = new Map<string, { readonly why: string; readonly until: number }>()
      let known: Option.Option<Model> | undefined
      /** Whether the store did not tell at the last look. */
      let isAway = false
      let freshUntil = 0
      let looking: Fiber.Fiber<Option.Option<Model>, StoreError> | undefined
      /** Counts what makes a look that is under way stale. */
      let looks = 0

      const setAside = Effect.fnUntraced(function* (runId: string, why: string) {
        const before = unusable.get(runId)
        unusable.set(runId, { why, until: performance.now() + ASIDE })
        if (before?.why !== why) yield* Effect.logWarning(`Version ${runId} is set aside: ${why}`)
      })
      const isAside = (runId: string) => (unusable.get(runId)?.until ?? 0) > performance.now()
      const lookAgain = Effect.sync(() => {
        freshUntil = 0
        looks++
        looking = undefined
      })

      const read = Effect.fnUntraced(function* (runId: string) {
        if (known !== undefined && Option.isSome(known) && known.value.runId === runId) return known.value
        return yield* readModel(runId)
      })

      const look = Effect.gen(function* () {
        const pointer = yield* readPointer()
        if (Option.isNone(pointer)) return Option.none<Model>()
        const promoted = [pointer.value, ...pointer.value.history].map(({ runId }) => runId)
        for (const runId of new Set(promoted)) {
          if (isAside(runId)) continue
          const model = yield* read(runId)
          if (model.isWhole) return Option.some(model)
          yield* setAside(runId, "its model_metadata.json is missing or damaged.")
        }
        // Nothing is left: the promoted one's own sentence says what is wrong.
        return Option.some(yield* read(promoted[0]!))
      }).pipe(Effect.provideService(Store, store))

      /** One look at a time, which goes on when nobody waits for it any more. */
      const begin = Effect.suspend(() => {
        if (looking !== undefined) return Effect.succeed(looking)
        const begun = looks
        const settle = (exit: Exit.Exit<Option.Option<Model>, StoreError>) =>
          Effect.sync(() => {
            // What was promoted meanwhile is for the next look.
            if (begun !== looks) return
            looking = undefined
            freshUntil = performance.now() + POINTER_AGE
            isAway = Exit.isFailure(exit)
            if (Exit.isSuccess(exit)) known = exit.value
          })
        return Effect.tap(Effect.forkIn(Effect.onExit(look, settle), scope), (fiber) =>
          Effect.sync(() => {
            if (begun === looks && fiber.pollUnsafe() === undefined) looking = fiber
          })
        )
      })
      const fromCopy = Effect.gen(function* () {
        const copied = yield* copiedVersion(copy)
        if (Option.isNone(copied)) return undefined
        yield* Effect.logWarning(`${copied.value} serves from the copy in ${copy.location}: the store is away.`)
        return Option.some(yield* Effect.orDie(Effect.provideService(readModel(copied.value), Store, copy)))
      })

      const ask = Effect.gen(function* () {
        const looked = yield* begin
        if (isAway && known !== undefined) return known
        const error = unreachable(store.location)
        const late = Effect.andThen(tried("store", error.message), Effect.fail(error))
        const answer = yield* Effect.result(
          Effect.timeoutOrElse(Fiber.join(looked), { duration: PATIENCE, orElse: () => late })
        )
        if (Result.isSuccess(answer)) return answer.success
        isAway = true
        known ??= yield* fromCopy
        return known ?? (yield* answer.failure)
      })

      return Current.of({
        model: Effect.suspend(() =>
          known !== undefined && performance.now() < freshUntil ? Effect.succeed(known) : ask
        ),
        forget: Effect.andThen(
          Effect.sync(() => unusable.clear()),
          lookAgain
        ),
        last: () => (known === undefined ? undefined : Option.getOrUndefined(known)?.runId),
        setAside: (runId, why) => Effect.andThen(setAside(runId, why), lookAgain)
      })
    })
  )
}

const unreachable = (location: string) =>
  new StoreError({ reason: "unreachable", key: "", message: `${location} does not answer.` })

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
  const metadata = yield* part("model_metadata.json", unknown, document(Metadata))
  const model: Model = {
    runId,
    metadata,
    isWhole: metadata !== unknown,
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
