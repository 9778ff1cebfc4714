import { Effect, Option, Stream } from "effect"
import { Store, StoreError } from "../../src/store/store.ts"

/**
 * A store in memory. `pause` runs before each request takes effect, so that a test can let others go first; a listing
 * is not a snapshot: it comes two keys at a time.
 */
export const memoryStore = (
  objects: Map<string, Uint8Array>,
  pause: Effect.Effect<void> = Effect.void
): Store["Service"] => {
  const etagOf = (bytes: Uint8Array) => new Bun.CryptoHasher("md5").update(bytes).digest("hex")
  const infoOf = (key: string, bytes: Uint8Array) => ({ key, etag: etagOf(bytes), size: bytes.length })
  const read = (key: string) =>
    pause.pipe(
      Effect.andThen(
        Effect.suspend(() => {
          const bytes = objects.get(key)
          return bytes === undefined
            ? Effect.fail(new StoreError({ reason: "missing", key, message: `${key} does not exist.` }))
            : Effect.succeed(bytes)
        })
      )
    )
  const pageAfter = (prefix: string, after: string) =>
    [...objects.keys()]
      .filter((key) => key.startsWith(prefix) && key > after)
      .sort()
      .slice(0, 2)
      .map((key) => infoOf(key, objects.get(key)!))
  return Store.of({
    location: "memory",
    list: (prefix, start = "") =>
      Stream.paginate(start, (after) =>
        pause.pipe(
          Effect.map(() => {
            const page = pageAfter(prefix, after)
            return [page, Option.fromUndefinedOr(page.at(-1)?.key)] as const
          })
        )
      ),
    get: (key) => Effect.map(read(key), (bytes) => ({ bytes: bytes.slice(), etag: etagOf(bytes) })),
    getRange: (key, from, to) => Effect.map(read(key), (bytes) => bytes.slice(from, to)),
    find: (key) => Effect.map(read(key), (bytes) => infoOf(key, bytes)).pipe(Effect.option),
    put: (key, bytes) =>
      Effect.map(pause, () => {
        objects.set(key, bytes.slice())
        return infoOf(key, bytes)
      }),
    remove: (key) => Effect.map(pause, () => void objects.delete(key))
  })
}
