import type { Effect } from "effect"

/** Reads the bytes of a file from `from` up to `to`, and fewer where it ends before. */
export type ReadRange<E, R> = (from: number, to: number) => Effect.Effect<Uint8Array, E, R>
