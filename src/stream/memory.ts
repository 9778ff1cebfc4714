import { Effect, Semaphore } from "effect"

/** Runs an effect while it holds memory for so many bytes; it waits until there is enough. */
export type Holding = (bytes: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Shares so many megabytes (of 10^6 bytes) among effects. What needs more than all of it runs alone. */
export const shareMemory = (megabytes: number): Effect.Effect<Holding> =>
  Effect.map(
    Semaphore.make(megabytes),
    (memory): Holding =>
      (bytes) =>
        memory.withPermits(Math.min(megabytes, Math.max(1, Math.ceil(bytes / 1e6))))
  )
