import { Effect, Stream } from "effect"
import type { ObjectInfo, Store, StoreError } from "./store.ts"

/** What is fetched at once, and how many such blocks are under way. */
export const BLOCK_BYTES = 1 << 20
const BLOCKS_AHEAD = 4

/**
 * An object's bytes, in blocks of their own buffers and in order, the next ones on their way while one is used. A server
 * without ranges gives the object at once, all that follows `from`.
 */
export const blocksOf = (
  store: Store["Service"],
  { key, size }: Pick<ObjectInfo, "key" | "size">,
  { from = 0, to = size }: { readonly from?: number; readonly to?: number } = {}
): Stream.Stream<Uint8Array, StoreError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      if (store.givesWhole?.() === true) {
        const { bytes } = yield* store.get(key)
        return Stream.map(starts(from, bytes.length), (at) => bytes.slice(at, at + BLOCK_BYTES))
      }
      return Stream.mapEffect(starts(from, to), (at) => store.getRange(key, at, Math.min(to, at + BLOCK_BYTES)), {
        concurrency: BLOCKS_AHEAD
      })
    })
  )

const starts = (from: number, to: number) =>
  Stream.fromIterable(Array.from({ length: Math.ceil((to - from) / BLOCK_BYTES) }, (_, i) => from + i * BLOCK_BYTES))
