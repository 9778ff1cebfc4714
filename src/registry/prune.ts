import { Effect, Option, Stream } from "effect"
import { versionKey, versionPrefix } from "../store/keys.ts"
import { removeUnneeded, Store } from "../store/store.ts"
import { readPointer } from "./pointer.ts"
import { newestVersion, wholeVersions } from "./trainingSet.ts"
import { TRAINING_SET_FILE } from "./versionFiles.ts"

/**
 * Removes versions but for the newest `keep`, and returns the ids of those that are gone, the oldest first. What is
 * promoted, what a rollback may go back to, and what the last training is known by stay, however old.
 *
 * Only for who holds the store's lease: a run compares with versions, and writes one.
 */
export const pruneVersions = Effect.fn("pruneVersions")(function* (keep: number) {
  const versions = yield* wholeVersions
  const old = versions.slice(0, Math.max(0, versions.length - keep))
  if (old.length === 0) return []
  const promoted = yield* readPointer()
  const needed = new Set([
    ...Option.match(promoted, {
      onNone: () => [],
      onSome: ({ runId, history }) => [runId, ...history.map((one) => one.runId)]
    }),
    ...Option.toArray(yield* newestVersion)
  ])
  return yield* Effect.filter(
    old.filter((runId) => !needed.has(runId)),
    removeVersion
  )
})

/**
 * Returns whether it is gone: without the permission it stays. What makes a version whole goes first: whoever is interrupted
 * leaves one that does not count.
 */
const removeVersion = Effect.fnUntraced(function* (runId: string) {
  const store = yield* Store
  if (!(yield* removeUnneeded([versionKey(runId, TRAINING_SET_FILE)]))) return false
  const files = yield* Stream.runCollect(store.list(versionPrefix(runId)))
  yield* Effect.forEach(files, ({ key }) => store.remove(key), { concurrency: 4, discard: true })
  return true
})
