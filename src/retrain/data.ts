import { Effect, Option, Schema, Stream } from "effect"
import { makeDataset, type Sample } from "../classifier/dataset.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { Recipe } from "../embeddings/recipe.ts"
import { mergeGroups, readDuplicates } from "../review/groups.ts"
import { classOf, groupOf } from "../store/keys.ts"

/** What the stored embeddings of a corpus add up to. */
export interface CorpusTotals {
  readonly recordings: number
  readonly variants: number
  readonly patches: number
  /** How long each recording is that was embedded, by key. */
  readonly seconds: ReadonlyMap<string, number>
  readonly silent: ReadonlyArray<string>
  /** Recordings and variants by class. */
  readonly classes: ReadonlyMap<string, { readonly recordings: number; readonly variants: number }>
}

/** Embeddings that the index named could not be loaded: a part was damaged, and has been set aside. */
export class DatasetIncomplete extends Schema.TaggedError<DatasetIncomplete>()("DatasetIncomplete", {
  message: Schema.String
}) {}

/**
 * Loads the embeddings of these recordings (key to ETag) as a data set, in the order of their keys.
 *
 * Sources that share a sound, as a review or their very bytes say, count as one: neither is held out without the other.
 */
export const loadDataset = Effect.fn("loadDataset")(function* (
  recipe: Recipe,
  live: ReadonlyMap<string, string>,
  groupPattern: Option.Option<RegExp>
) {
  const embeddings = yield* Embeddings
  const { pairs } = yield* readDuplicates
  const loadedSamples: Array<Sample> = []
  const sources: Array<{ readonly group: string; readonly contentHash: string }> = []
  const silent: Array<string> = []
  const classes = new Map<string, { recordings: number; variants: number }>()
  const seconds = new Map<string, number>()
  let patches = 0
  yield* embeddings.load(recipe, live).pipe(
    Stream.runForEach((recording) =>
      Effect.sync(() => {
        const { key, contentHash } = recording
        const className = classOf(key)!
        const group = groupOf(key, Option.getOrUndefined(groupPattern))
        const counts = classes.get(className) ?? { recordings: 0, variants: 0 }
        classes.set(className, counts)
        // Silent files are often the same bytes, which says nothing of where they come from.
        sources.push({ group, contentHash: recording.silent ? key : contentHash })
        counts.recordings++
        counts.variants += recording.variants.length
        if (recording.silent) silent.push(key)
        seconds.set(key, recording.variants[0]!.seconds)
        for (const { draw, vector, patches: own } of recording.variants) {
          loadedSamples.push({ key, className, group, variant: draw.variant, vector })
          patches += own
        }
      })
    )
  )
  const loaded = [...classes.values()].reduce((sum, { recordings }) => sum + recordings, 0)
  if (loaded < live.size) {
    return yield* new DatasetIncomplete({
      message: `The embeddings of ${live.size - loaded} of ${live.size} recordings are not in the store any more.`
    })
  }
  const merged = mergeGroups(sources, pairs)
  const samples = loadedSamples.map((sample): Sample => ({ ...sample, group: merged.get(sample.group)! }))
  // Parts hold recordings in the order in which they came: training must not depend on it. Sorting keeps the order of
  // a recording's own variants.
  samples.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  silent.sort()
  const totals: CorpusTotals = {
    recordings: loaded,
    variants: samples.length,
    patches,
    seconds,
    silent,
    classes
  }
  return { dataset: yield* makeDataset(samples), totals }
})
