import { Effect, Option } from "effect"
import type { Embedder } from "../embedder/embedder.ts"
import { type Description, EmbedderError } from "../embedder/file/description.ts"
import { embedderOfFile } from "../embedder/file/embedderFile.ts"
import { embedderKey } from "../store/keys.ts"
import { isAbsence, Store } from "../store/store.ts"

// An embedder that came in a file lies in the store once, by its content: a version needs it on every machine, and a
// rollback after the file is gone. It is in no version's folder, so that none of it is handed out with a model.

/** Keeps the file of an embedder that a version is about to need. */
export const keepEmbedder = Effect.fn("keepEmbedder")(function* ({ file }: Pick<Embedder, "file">) {
  if (file === undefined) return
  const store = yield* Store
  const key = embedderKey(file.description.sha256)
  const kept = yield* store.find(key)
  if (Option.isNone(kept) || kept.value.size !== file.bytes.length) yield* store.put(key, file.bytes)
})

/** The embedder that a version's metadata describes, from the store. */
export const readKeptEmbedder = Effect.fn("readKeptEmbedder")(function* (description: Description) {
  const store = yield* Store
  const key = embedderKey(description.sha256)
  const { bytes } = yield* store.get(key).pipe(
    Effect.catchIf(isAbsence, () =>
      Effect.fail(
        new EmbedderError({
          message: `${key}, the embedder ${description.id}, is not in ${store.location} any more.`
        })
      )
    )
  )
  return yield* embedderOfFile(key, description, bytes)
})
