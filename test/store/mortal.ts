import { Effect, Stream } from "effect"
import { Store } from "../../src/store/store.ts"

/** A store whose user dies: after so many writes and removals, nothing reaches it any more. */
export const mortal = (store: Store["Service"], writes: number): Store["Service"] => {
  let left = writes
  const live = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => (left < 0 ? Effect.die(new Death()) : effect))
  const spend = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      left -= 1
      return live(effect)
    })
  // Staged writes would be one step; put one by one, the user can die between any two.
  const { stage: _, ...others } = store
  return Store.of({
    ...others,
    list: (prefix, after) => Stream.unwrap(live(Effect.succeed(store.list(prefix, after)))),
    get: (key) => live(store.get(key)),
    getRange: (key, from, to) => live(store.getRange(key, from, to)),
    find: (key) => live(store.find(key)),
    put: (key, bytes, condition) => spend(store.put(key, bytes, condition)),
    remove: (key) => spend(store.remove(key))
  })
}

export class Death extends Error {}
