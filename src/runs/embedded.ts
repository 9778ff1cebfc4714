import { Effect } from "effect"
import { Settings } from "../config/settings.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { KnownRecordings } from "../embeddings/sighting.ts"
import { requireAllRead } from "../stream/corpusPass.ts"
import { embedCorpus } from "../stream/embed.ts"
import { loadDataset } from "./data.ts"
import type { Plan } from "./planRun.ts"

/**
 * The store's corpus as a data set; what has no embeddings yet is embedded first, and stays embedded. What a damaged part
 * held is embedded again.
 */
export const embeddedCorpus = Effect.fn("embeddedCorpus")(function* ({ recipe, known, count }: Plan, audit: boolean) {
  const settings = yield* Settings
  const embeddings = yield* Embeddings
  const embedFrom = Effect.fnUntraced(function* (known: KnownRecordings) {
    const streamed = yield* embedCorpus({
      ...settings,
      recipe,
      known,
      count,
      augmentations: recipe.parts.augmentations,
      audit
    })
    yield* requireAllRead(streamed)
    const { live, skipped, embedded } = streamed
    return { skipped, embedded, ...(yield* loadDataset(recipe, live, settings.groupPattern)) }
  })
  return yield* embedFrom(known).pipe(
    Effect.catchTag("DatasetIncomplete", () => Effect.flatMap(embeddings.index(recipe), embedFrom))
  )
})
