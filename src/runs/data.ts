import { Effect, Option, Schema, Stream } from "effect"
import { DatasetError, makeDataset, type Sample } from "../classifier/dataset.ts"
import { counted, namedFew } from "../config/inWords.ts"
import { select } from "../embedder/frontEnd.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { type Recipe, vectorsOf } from "../embeddings/recipe.ts"
import type { EmbeddedRecording } from "../embeddings/recording.ts"
import { mergeGroups, readDuplicates, type Sounding } from "../registry/knownDuplicates.ts"
import { SILENT_PEAK } from "../sound/silence.ts"
import { classOf, groupOf, spanOf } from "../store/keys.ts"

/** What the stored embeddings of a corpus add up to. */
export interface CorpusTotals {
  readonly recordings: number
  readonly variants: number
  readonly patches: number
  /** How long each recording is that was embedded, by key. */
  readonly seconds: ReadonlyMap<string, number>
  readonly silent: ReadonlyArray<string>
  /** Keys with the same bytes, but in two classes or more: none of them is in the data set. */
  readonly contradictions: ReadonlyArray<ReadonlyArray<string>>
  /** The classes that lose most of their recordings by that. */
  readonly contradicted: ReadonlyArray<string>
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
 * Loads the embeddings of these recordings (key to content) as a data set, in the order of their keys.
 *
 * The same bytes count once, under the first of their keys; those that lie in two classes are left out and named, for
 * one of their labels is wrong. Sources that share a sound, as a review or their very bytes say, count as one: neither is
 * held out without the other. Rows have the vectors with these names, all unless said.
 */
export const loadDataset = Effect.fn("loadDataset")(function* (
  recipe: Recipe,
  live: ReadonlyMap<string, string>,
  groupPattern: Option.Option<RegExp>,
  vectors: ReadonlyArray<string> = Object.keys(vectorsOf(recipe))
) {
  const embeddings = yield* Embeddings
  const { pairs, checked } = yield* readDuplicates
  const pattern = Option.getOrUndefined(groupPattern)
  const keysOf = byContent(live)
  const loadedSamples: Array<Sample> = []
  const sources: Array<Source> = []
  const silent: Array<string> = []
  const contradictions: Array<ReadonlyArray<string>> = []
  const classes = new Map<string, { recordings: number; variants: number }>()
  const seconds = new Map<string, number>()
  let loaded = 0
  let patches = 0

  const add = (key: string, { variants }: EmbeddedRecording) => {
    const className = classOf(key)!
    const group = groupOf(key, pattern)
    const counts = classes.get(className) ?? { recordings: 0, variants: 0 }
    classes.set(className, counts)
    counts.recordings++
    counts.variants += variants.length
    seconds.set(key, variants[0]!.seconds)
    for (const { draw, vector, patches: own } of variants) {
      loadedSamples.push({ key, className, group, variant: draw.variant, vector })
      patches += own
    }
  }

  yield* embeddings.load(recipe, new Set(keysOf.keys()), vectors).pipe(
    Stream.runForEach((recording) =>
      Effect.sync(() => {
        loaded++
        const keys = keysOf.get(recording.contentHash)!
        const firsts = [...Map.groupBy(keys, (key) => classOf(key)).values()].map(([first]) => first!)
        // What silence is labelled says nothing of what it is. What was embedded long ago was called silent only if zero.
        const isSilent = recording.silent || recording.variants[0]!.peak < SILENT_PEAK
        if (isSilent) silent.push(...keys)
        else if (firsts.length > 1) return void contradictions.push(keys)
        for (const key of keys) {
          const isSpan = spanOf(key) !== undefined
          sources.push({ ...recording, silent: isSilent, group: groupOf(key, pattern), isSpan })
        }
        for (const key of firsts) add(key, recording)
      })
    )
  )
  if (loaded < keysOf.size) {
    return yield* new DatasetIncomplete({
      message: `The embeddings of ${keysOf.size - loaded} of ${counted(keysOf.size, "recording")} are not in the store any more.`
    })
  }
  const merged = mergeGroups(sources, pairs)
  const samples = loadedSamples.map((sample): Sample => ({ ...sample, group: merged.get(sample.group)! }))
  // Parts hold recordings in the order in which they came: training must not depend on it. Sorting keeps the order of
  // a recording's own variants.
  samples.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  silent.sort()
  contradictions.sort(([a], [b]) => (a! < b! ? -1 : 1))
  const used = [...classes.values()].reduce((sum, { recordings }) => sum + recordings, 0)
  const copies = live.size - used - contradictions.flat().length
  const totals: CorpusTotals = {
    recordings: used,
    variants: samples.length,
    patches,
    seconds,
    silent,
    contradictions,
    contradicted: mostlyContradicted(classes, contradictions),
    classes,
    notes: [...notesOnCopies(copies, contradictions), ...notesOn(sources, merged, new Set(checked))]
  }
  const dataset = yield* makeDataset(samples, select(vectorsOf(recipe), vectors)).pipe(
    // What was left out may be why it is too little.
    Effect.mapError(
      ({ message }) => new DatasetError({ message: [message, ...notesOnCopies(0, contradictions)].join(" ") })
    )
  )
  return { dataset, totals }
})

/** A recording by its source; a review compares no spans. */
interface Source extends Sounding {
  readonly isSpan: boolean
}

/** The keys of each content, in their order. */
const byContent = (live: ReadonlyMap<string, string>): ReadonlyMap<string, ReadonlyArray<string>> => {
  const keysOf = new Map<string, Array<string>>()
  for (const key of [...live.keys()].sort()) {
    const keys = keysOf.get(live.get(key)!)
    if (keys === undefined) keysOf.set(live.get(key)!, [key])
    else keys.push(key)
  }
  return keysOf
}

const notesOnCopies = (copies: number, contradictions: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => [
  ...(copies > 0
    ? [`${counted(copies, "recording holds", "recordings hold")} the same bytes as another: each counts once.`]
    : []),
  // A class that was copied whole is one sentence, not one a recording.
  ...Map.groupBy(contradictions, (keys) => [...new Set(keys.map(classOf))].sort().join(", "))
    .entries()
    .map(([classes, found]) =>
      found.length === 1
        ? `The same bytes lie in several classes and were left out: ${fewOf(found[0]!)}.`
        : `The same bytes lie in several classes (${classes}) ${found.length} times and were left out, such as ` +
          `${fewOf(found[0]!)}.`
    )
]

/** Copies of one content, one of each class first. */
const fewOf = (keys: ReadonlyArray<string>): string => {
  const firsts = [...Map.groupBy(keys, classOf).values()].map(([first]) => first!)
  return namedFew([...firsts, ...keys.filter((key) => !firsts.includes(key))])
}

/** The classes of which more recordings contradict others than do not: who trains on what is left hears something else. */
const mostlyContradicted = (
  classes: CorpusTotals["classes"],
  contradictions: ReadonlyArray<ReadonlyArray<string>>
): ReadonlyArray<string> =>
  Map.groupBy(
    contradictions.flatMap((keys) => [...new Set(keys.map((key) => classOf(key)!))]),
    (className) => className
  )
    .entries()
    .filter(([className, { length }]) => length > (classes.get(className)?.recordings ?? 0))
    .map(([className]) => className)
    .toArray()
    .sort()

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
  const compared = sources.filter(({ isSpan }) => !isSpan)
  const unchecked = compared.filter(({ silent, contentHash }) => !silent && !checked.has(contentHash)).length
  return [
    ...(joined > 0
      ? [
          `${counted(joined, "source holds a sound", "sources hold sounds")} that another holds, too: they go to ` +
            "one side of the split."
        ]
      : []),
    ...(unchecked > 0
      ? [
          `No review has compared the sound of ${unchecked} of ${counted(compared.length, "recording")}: if one source's sound lies ` +
            "under two names, it may be trained on and tested. bun run review looks for such."
        ]
      : [])
  ]
}
