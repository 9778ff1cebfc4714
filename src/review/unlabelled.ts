import { Effect, Stream } from "effect"
import { nearestNeighbours } from "../classifier/neighbours/nearest.ts"
import { VOTERS, voteOfNeighbours } from "../classifier/neighbours/vote.ts"
import { Settings } from "../config/settings.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { firstOf } from "../embedder/frontEnd.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { makeRecipe, vectorsOf } from "../embeddings/recipe.ts"
import { isUnlabelled, UNLABELLED_PREFIX } from "../store/keys.ts"
import { type ObjectInfo, Store } from "../store/store.ts"
import { embedCorpus } from "../stream/embed.ts"
import { Preparers } from "../stream/preparers.ts"
import type { ReviewedCorpus } from "./reviewedCorpus.ts"

/** A recording without a class, and what labelling it would teach. */
export interface Unlabelled {
  readonly key: string
  /** What it most likely is, and the share of its neighbours' vote. */
  readonly suggested: string
  readonly share: number
}

/** So many are offered: what is labelled makes room for others, at the next review. */
const OFFERED = 100

/** Of more recordings, only these many of the most uncertain ones are spread out. */
const CANDIDATES = 5_000

/** The recordings under `unlabelled_audio/`. */
export const listUnlabelled = Effect.gen(function* () {
  const store = yield* Store
  return yield* store.list(UNLABELLED_PREFIX).pipe(Stream.filter(isUnlabelled), Stream.runCollect)
})

/**
 * Embeds the unlabelled recordings that are not yet, originals only, and loads them: what is not labelled is not trained
 * on, so it needs no variants. Those that cannot be used are told as the stream tells of any, and left out.
 */
export const embedUnlabelled = Effect.fn("embedUnlabelled")(function* (
  objects: ReadonlyArray<ObjectInfo>,
  embedder: Embedder
) {
  const settings = yield* Settings
  const embeddings = yield* Embeddings
  const recipe = makeRecipe(embedder, { ...settings, augmentations: 0, variants: [] })
  const known = yield* embeddings.index(recipe)
  const stored = objects.filter((object) => known.storedContentOf(object) !== undefined).length
  const { live } = yield* embedCorpus({
    ...settings,
    recipe,
    objects: Stream.fromIterable(objects),
    known,
    count: { recordings: objects.length, stored, fresh: 0, classes: [], others: 0 },
    augmentations: 0,
    variants: [],
    audit: false,
    // However many are unusable: nothing is trained from them.
    maxSkipped: 1
  }).pipe(Effect.provide(Preparers.layer(settings.preparers)))
  const loaded = yield* embeddings
    .load(recipe, new Set(live.values()), [firstOf(vectorsOf(recipe))])
    .pipe(Stream.runCollect)
  const vectors = new Map(loaded.map(({ contentHash, variants }) => [contentHash, variants[0]!.vector]))
  return [...live]
    .flatMap(([key, contentHash]) => {
      const vector = vectors.get(contentHash)
      return vector === undefined ? [] : [{ key, vector }]
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1))
})

/**
 * Which recordings to label first: those whose ten nearest labelled neighbours disagree, and that are unlike both what is
 * labelled and what was chosen before them.
 */
export const rankUnlabelled = Effect.fn("rankUnlabelled")(function* (
  unlabelled: ReadonlyArray<{ readonly key: string; readonly vector: Float32Array }>,
  { width, recordings, vectors }: ReviewedCorpus
) {
  if (recordings.length === 0 || unlabelled.length === 0) return []
  const classes = [...new Set(recordings.map(({ className }) => className))].sort()
  const all = new Float32Array(vectors.length + unlabelled.length * width)
  all.set(vectors)
  for (const [at, { vector }] of unlabelled.entries()) all.set(vector, vectors.length + at * width)
  const rows = unlabelled.map((_, at) => recordings.length + at)
  const neighbours = yield* nearestNeighbours(all, width, VOTERS, {
    rows,
    accepts: (_, other) => other < recordings.length
  })
  const labels = recordings.map(({ className }) => classes.indexOf(className))
  const vote = voteOfNeighbours(neighbours, labels, classes.length)
  const candidates = unlabelled
    .map(({ key, vector }, at) => {
      const shares = vote.subarray(at * classes.length, (at + 1) * classes.length)
      const [first, second = 0] = [...shares].sort((a, b) => b - a)
      const best = shares.indexOf(first!)
      return {
        key,
        vector,
        suggested: classes[best]!,
        share: first!,
        uncertainty: 1 - (first! - second),
        likeness: neighbours.similarities[at * VOTERS]!
      }
    })
    .sort((a, b) => b.uncertainty - a.uncertainty || (a.key < b.key ? -1 : 1))
    .slice(0, CANDIDATES)
  return spread(candidates)
})

interface Candidate extends Unlabelled {
  readonly vector: Float32Array
  /** 0 where all neighbours agree, to 1. */
  readonly uncertainty: number
  /** Cosine to the nearest recording that is labelled or chosen. */
  likeness: number
}

/** Even one that nobody doubts is worth a label, where it is unlike everything. */
const LEAST_UNCERTAINTY = 0.1

const spread = (candidates: ReadonlyArray<Candidate>): ReadonlyArray<Unlabelled> => {
  const left = [...candidates]
  const chosen: Array<Unlabelled> = []
  while (left.length > 0 && chosen.length < OFFERED) {
    const worth = left.map(({ uncertainty, likeness }) => (uncertainty + LEAST_UNCERTAINTY) * (1 - likeness))
    const best = worth.reduce((most, value, at) => (value > worth[most]! ? at : most), 0)
    const [{ key, suggested, share, vector }] = left.splice(best, 1) as [Candidate]
    chosen.push({ key, suggested, share })
    for (const other of left) other.likeness = Math.max(other.likeness, cosine(vector, other.vector))
  }
  return chosen
}

const cosine = (a: Float32Array, b: Float32Array): number => {
  let [product, one, other] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!
    one += a[i]! ** 2
    other += b[i]! ** 2
  }
  return one === 0 || other === 0 ? 0 : product / Math.sqrt(one * other)
}
