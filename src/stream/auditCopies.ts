import { Effect } from "effect"
import { counted } from "../config/inWords.ts"
import type { EmbeddedRecording } from "../embeddings/recording.ts"
import { variantKey } from "../store/keys.ts"
import { Store, type StoreError } from "../store/store.ts"
import type { Prepared } from "./batches.ts"
import { writeManifest } from "./manifest.ts"

/** Bytes of copies that could not be written and wait for the end. */
const MOST_HELD = 64e6

/**
 * Writes audit copies, for as long as one pass over the corpus lasts. They are for listening only, so one that cannot be
 * written ends nothing: it is tried again at the end, and what could not be written then is counted and said.
 */
export const auditCopies = Effect.gen(function* () {
  const store = yield* Store
  const held = new Map<string, Uint8Array>()
  let bytesHeld = 0
  let lost = 0
  let last: StoreError | undefined

  const put = (key: string, wav: Uint8Array) =>
    store.put(key, wav).pipe(
      Effect.catch((error) => {
        last = error
        if (bytesHeld + wav.length > MOST_HELD) lost++
        else {
          held.set(key, wav)
          bytesHeld += wav.length
        }
        return Effect.void
      })
    )

  return {
    write: ({ key, variants }: Prepared) =>
      Effect.forEach(variants, ({ draw, wav }) => (wav ? put(variantKey(key, draw.variant), wav) : Effect.void), {
        concurrency: 3,
        discard: true
      }),
    /** Says in the manifest where copies come from. */
    record: (recordings: ReadonlyArray<EmbeddedRecording>) =>
      writeManifest(recordings).pipe(
        Effect.catch(({ message }) => Effect.logWarning(`The audit copies' manifest is not written: ${message}`))
      ),
    /** Writes what could not be written before, and says what still cannot. */
    end: Effect.gen(function* () {
      for (const [key, wav] of held) {
        const isWritten = yield* store.put(key, wav).pipe(
          Effect.as(true),
          Effect.catch(() => Effect.succeed(false))
        )
        if (!isWritten) break
        held.delete(key)
      }
      const missing = lost + held.size
      if (missing === 0) return
      const copies = counted(missing, "audit copy", "audit copies")
      yield* Effect.logWarning(`${copies} could not be written, the last because: ${last?.message}`)
    })
  }
})
