import { Effect } from "effect"
import type { EmbeddedRecording } from "../embeddings/recording.ts"
import { manifestKey, variantKey } from "../store/keys.ts"
import { sha256 } from "../store/sha256.ts"
import { Store } from "../store/store.ts"

/** Writes one JSON line per audit copy of these recordings: where it comes from and what was done to it. */
export const writeManifest = Effect.fn("writeManifest")(function* (recordings: ReadonlyArray<EmbeddedRecording>) {
  const store = yield* Store
  const lines = recordings.flatMap((recording) =>
    recording.variants.map((variant) =>
      JSON.stringify({
        copy: variantKey(recording.key, variant.draw.variant),
        source: recording.key,
        etag: recording.etag,
        contentHash: recording.contentHash,
        variant: variant.draw.variant,
        parameters: variant.draw.parameters,
        seed: variant.draw.seed,
        seconds: variant.seconds,
        peak: variant.peak,
        clipped: variant.clipped,
        silent: recording.silent,
        notes: recording.notes
      })
    )
  )
  const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`)
  const name = sha256(bytes).slice(0, 32)
  yield* store.put(manifestKey(`${name}.jsonl`), bytes)
})
