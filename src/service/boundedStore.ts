import { Effect, Layer, Stream } from "effect"
import { Store, StoreError } from "../store/store.ts"
import { Outages } from "./outages.ts"

/** Seconds that a call may take, or a page of a listing; where many bytes go, one more for each megabyte. */
const PATIENCE = 10
/** The same while the store is known to be away, so that who asks meanwhile is told soon. */
const SHORT_PATIENCE = 2

/**
 * The store as requests use it: every call has a bound, and what comes of it tells whether the store is away.
 *
 * The store itself is as patient as a training needs, which is minutes where nothing answers.
 */
export const boundedStore = Effect.fnUntraced(function* (store: Store["Service"]) {
  const { tried, away } = yield* Outages
  const patience = () => (away().store === undefined ? PATIENCE : SHORT_PATIENCE)
  const silent = (key: string, seconds: number) =>
    new StoreError({ reason: "unreachable", key, message: `${store.location} did not answer within ${seconds} s.` })
  const note = (error: StoreError) =>
    error.reason === "unreachable" || error.reason === "denied" ? tried("store", error.message) : tried("store")

  const bounded = <A, R>(
    key: string,
    effect: Effect.Effect<A, StoreError, R>,
    longer = 0
  ): Effect.Effect<A, StoreError, R> =>
    Effect.suspend(() => {
      const seconds = patience() + longer
      return Effect.timeoutOrElse(effect, {
        duration: `${seconds} seconds`,
        orElse: () => Effect.fail(silent(key, seconds))
      })
    }).pipe(Effect.tap(tried("store")), Effect.tapError(note))

  const { stage } = store
  return Store.of({
    location: store.location,
    ...(stage === undefined
      ? {}
      : {
          stage: (key, bytes) =>
            Effect.map(bounded(key, stage(key, bytes), Math.ceil(bytes.length / 1e6)), (place) => bounded(key, place))
        }),
    list: (prefix, after) =>
      Stream.suspend(() => {
        const seconds = patience()
        return Stream.timeoutOrElse(store.list(prefix, after), {
          duration: `${seconds} seconds`,
          orElse: () => Stream.fail(silent(prefix, seconds))
        })
      }).pipe(Stream.tapError(note), Stream.onEnd(tried("store"))),
    get: (key) => bounded(key, store.get(key)),
    getRange: (key, from, to) => bounded(key, store.getRange(key, from, to), Math.ceil((to - from) / 1e6)),
    find: (key) => bounded(key, store.find(key)),
    put: (key, bytes, condition) => bounded(key, store.put(key, bytes, condition), Math.ceil(bytes.length / 1e6)),
    remove: (key) => bounded(key, store.remove(key))
  })
})

/** The store that is given, as requests use it. */
export const boundedStoreLayer = (store: Store["Service"]) => Layer.effect(Store, boundedStore(store))
