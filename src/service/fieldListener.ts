import { Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../config/settings.ts"
import { makeScanRecipe } from "../embeddings/scans/scanRecipe.ts"
import { Scans } from "../embeddings/scans/scans.ts"
import { listField, placeRecordings } from "../runs/scan/fieldRecordings.ts"
import { findAlike } from "../runs/scan/findAlike.ts"
import { instantAt } from "../runs/scan/instant.ts"
import { settledEmbedder } from "../runs/services.ts"
import type { RecordingSpan } from "./spanSound.ts"

/** What of field recordings needs the embedder: it is loaded for the first request that does. */
export const fieldListener = Effect.gen(function* () {
  const lengths = new Map<string, Float32Array>()
  const embedder = yield* Effect.cached(settledEmbedder({ allowUntrained: true }))
  const alike = Effect.fn("fieldListener.alike")(
    function* (span: typeof RecordingSpan.Type) {
      const began = performance.now()
      const { precision } = yield* Settings
      const recipe = makeScanRecipe(yield* embedder, precision)
      const known = yield* (yield* Scans).index(recipe)
      const placed = placeRecordings(known, yield* listField({}), {})
      const { found, searched } = yield* findAlike(recipe, known, placed, span, lengths)
      return {
        searched,
        seconds: (performance.now() - began) / 1000,
        windows: found.map(({ startedAt, ...one }) => ({
          ...one,
          at: startedAt === undefined ? null : instantAt(startedAt, one.start)
        }))
      }
    },
    Effect.provide([Scans.layer, FetchHttpClient.layer])
  )
  return { alike }
})
