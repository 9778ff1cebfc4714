import { Effect } from "effect"
import { modelKey, versionKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { RunEvents } from "../stream/events.ts"

/** Files by name. */
export type Artifacts = ReadonlyMap<string, Uint8Array>

/** Writes a candidate, whole, under `models/versions/<run id>/`, and returns the keys. */
export const writeVersion = Effect.fn("writeVersion")(function* (runId: string, artifacts: Artifacts) {
  return yield* writeAll(artifacts, (file) => versionKey(runId, file))
})

/** Writes the files that the Python product opens, as copies of a version, under `models/`, and returns the keys. */
export const writePromoted = Effect.fn("writePromoted")(function* (artifacts: Artifacts) {
  return yield* writeAll(artifacts, modelKey)
})

const writeAll = Effect.fnUntraced(function* (artifacts: Artifacts, keyOf: (file: string) => string) {
  const store = yield* Store
  const emit = yield* RunEvents
  let done = 0
  return yield* Effect.forEach(
    artifacts,
    ([file, bytes]) =>
      store.put(keyOf(file), bytes).pipe(
        Effect.tap(() => emit({ stage: "publish", done: ++done, total: artifacts.size })),
        Effect.map(({ key }) => key)
      ),
    { concurrency: 4 }
  )
})
