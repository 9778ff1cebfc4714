import { Effect } from "effect"
import { Embeddings } from "../embeddings/embeddings.ts"
import { lastTrainingSet, newSince } from "../registry/trainingSet.ts"
import { readUnknown } from "../stream/readUnknown.ts"
import { corpus } from "../stream/recordings.ts"
import type { Plan } from "./planRun.ts"

/**
 * The plan, once so many of its new recordings are new for certain, or all that only look new have been read: they may be
 * copied, moved or touched. What was read is remembered, so that it is read once.
 */
export const ascertain = Effect.fn("ascertain")(function* (plan: Plan, least: number) {
  const { known, count } = plan
  const last = yield* lastTrainingSet
  if (count.fresh < least || least === 0 || last.size === 0) return plan
  const isUnheard = newSince(last)
  const { sightings, old } = yield* readUnknown(
    corpus,
    (version) => known.contentOf(version),
    (key, contentHash) => known.whyUnusable(contentHash) === undefined && isUnheard(key, contentHash),
    least
  )
  const copies = sightings.filter(({ contentHash }) => known.has(contentHash))
  yield* (yield* Embeddings).sighted(copies)
  for (const sighting of sightings) known.see(sighting)
  return {
    ...plan,
    count: { ...count, stored: count.stored + copies.length, fresh: count.fresh - old }
  } satisfies Plan
})
