import { Effect, Option, Schema, Stream } from "effect"
import { makeDataset, type Sample } from "../classifier/dataset.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import type { Recipe } from "../embeddings/recipe.ts"
import { mergeGroups, readDuplicates } from "../registry/knownDuplicates.ts"
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
  /** How far the sources can be told apart, a sentence each. */
  readonly notes: ReadonlyArray<string>
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
  const { pairs, checked } = yield* readDuplicates
  const loadedSamples: Array<Sample> = []
  const sources: Array<Source> = []
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
        sources.push({ group, contentHash: recording.silent ? key : contentHash, silent: recording.silent })
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
    classes,
    notes: notesOn(sources, merged, new Set(checked))
  }
  return { dataset: yield* makeDataset(samples), totals }
})

interface Source {
  readonly group: string
  readonly contentHash: string
  readonly silent: boolean
}

/**
 * What a review has found, and what none has looked at. A run does not look by itself: embeddings alone do not tell (see
 * `findDuplicates`), and comparing sounds takes longer than all the rest of a run (1,160 recordings: 12,462 pairs, 45 s).
 */
const notesOn = (
  sources: ReadonlyArray<Source>,
  merged: ReadonlyMap<string, string>,
  checked: ReadonlySet<string>
): ReadonlyArray<string> => {
  const joined = [...merged].filter(([group, root]) => group !== root).length
  const unchecked = sources.filter(({ silent, contentHash }) => !silent && !checked.has(contentHash)).length
  return [
    ...(joined > 0
      ? [
          `${joined} ${joined === 1 ? "source holds a sound" : "sources hold sounds"} that another holds, too: they go to ` +
            "one side of the split."
        ]
      : []),
    ...(unchecked > 0
      ? [
          `No review has compared the sound of ${unchecked} of ${sources.length} recordings: if one source's sound lies ` +
            "under two names, it may be trained on and tested. bun run review looks for such."
        ]
      : [])
  ]
}
