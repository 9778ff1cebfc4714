import { DateTime, Effect, Option, Schema, Stream } from "effect"
import { Settings } from "../config/settings.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { addDuplicates, readDuplicates } from "../registry/knownDuplicates.ts"
import { newestVersion } from "../registry/trainingSet.ts"
import { showVersion } from "../registry/versions.ts"
import { writeDocument } from "../store/documents.ts"
import { KEPT_PREFIX, REVIEW_KEY } from "../store/keys.ts"
import { readOrSetAside } from "../store/setAside.ts"
import { Store, type StoreError } from "../store/store.ts"
import { recordingVersions } from "../stream/recordings.ts"
import { findDuplicates } from "./findDuplicates.ts"
import { finishMoves } from "./moves.ts"
import { loadReviewed, type ReviewedRecording } from "./reviewedCorpus.ts"
import { findSuspects } from "./suspects.ts"
import { rankUnlabelled } from "./unlabelled.ts"

const Subject = { key: Schema.String, className: Schema.String, contentHash: Schema.String }

/** What a review found: worth a look, by a person. */
export const Review = Schema.Struct({
  date: Schema.String,
  recordings: Schema.Int,
  /** Recordings without embeddings, so that nothing is known of them: new since the last training, or not usable. */
  unknown: Schema.Int,
  /** Labels that are likely wrong, the most likely first. */
  suspects: Schema.Array(
    Schema.Struct({ ...Subject, suggested: Schema.String, score: Schema.Finite, why: Schema.String })
  ),
  /** Pairs that hold the same sound though their names say that they come from different sources. */
  duplicates: Schema.Array(
    Schema.Struct({
      recordings: Schema.Tuple([Schema.Struct(Subject), Schema.Struct(Subject)]),
      correlation: Schema.Finite
    })
  ),
  /** Unlabelled recordings, those to label first at first. */
  unlabelled: Schema.Array(Schema.Struct({ key: Schema.String, suggested: Schema.String, share: Schema.Finite })),
  /** Recordings 60 dB or more below full scale. */
  silent: Schema.Array(Schema.Struct({ ...Subject, peak: Schema.Finite }))
})
export type Review = typeof Review.Type

/** There is nothing to review yet. */
export class ReviewError extends Schema.TaggedError<ReviewError>()("ReviewError", { message: Schema.String }) {}

/** At this peak or below a recording counts as silent. */
const SILENT = 1e-3

/** A step of a review, for people who wait. */
export const ReviewStep = Schema.Struct({
  stage: Schema.Literals(["Embedding", "Comparing sounds", "Asking for second opinions"]),
  unit: Schema.String,
  done: Schema.Number,
  total: Schema.Number
})
export type ReviewStep = typeof ReviewStep.Type

/** The recipe of the last training, whose embeddings a review looks at; fails where there is none. */
export const reviewedRecipe = Effect.gen(function* () {
  const { location } = yield* Store
  const newest = yield* newestVersion
  if (Option.isNone(newest)) {
    return yield* new ReviewError({
      message: `${location} holds no training yet, and so no embeddings to review: run bun run retrain first.`
    })
  }
  return (yield* showVersion(newest.value)).metadata.recipe
})

/**
 * Looks through all recordings that the last training embedded, remembers near-duplicates for the split, and leaves what
 * it found under `review/review.json`. Needs no network and no engine; unlabelled recordings come embedded.
 *
 * @param onUnkept told, once, why a store that may not be written keeps nothing of it, for who shows what was found himself;
 *   without it, that is an error.
 */
export const reviewRecordings = Effect.fn("reviewRecordings")(function* (
  onStep: (step: ReviewStep) => Effect.Effect<void> = () => Effect.void,
  unlabelled: Parameters<typeof rankUnlabelled>[0] = [],
  onUnkept?: (message: string) => Effect.Effect<void>
) {
  const { groupPattern } = yield* Settings
  let isKept = true
  const keeping = <A, R>(write: Effect.Effect<A, StoreError, R>, otherwise: A) =>
    Effect.suspend(() => (isKept ? write : Effect.succeed(otherwise))).pipe(
      Effect.catchIf(
        ({ reason }) => reason === "denied" && onUnkept !== undefined,
        ({ message }) => {
          isKept = false
          return Effect.as(onUnkept!(message), otherwise)
        }
      )
    )
  yield* keeping(finishMoves, undefined)
  const recipe = yield* reviewedRecipe
  const embeddings = yield* Embeddings
  const versions = yield* recordingVersions
  const known = yield* readDuplicates
  const corpus = yield* loadReviewed(recipe, yield* embeddings.index(recipe), versions, groupPattern, known)
  const found = yield* findDuplicates(corpus, known, (done, total) =>
    onStep({ stage: "Comparing sounds", unit: "pairs", done, total })
  )
  const { pairs } = yield* keeping(addDuplicates(found), { ...found, pairs: [...known.pairs, ...found.pairs] })
  const suspects = yield* findSuspects(corpus, (done, total) =>
    onStep({ stage: "Asking for second opinions", unit: "folds", done, total })
  )
  const byKey = new Map(corpus.recordings.map((recording) => [recording.key, recording]))
  const byHash = Map.groupBy(corpus.recordings, ({ contentHash }) => contentHash)
  const review: Review = {
    date: DateTime.formatIso(yield* DateTime.now),
    recordings: corpus.recordings.length,
    unknown: versions.length - corpus.recordings.length,
    // Silence is listed as such: what it sounds like says nothing.
    suspects: suspects.flatMap((suspect) => {
      const { contentHash, peak } = byKey.get(suspect.key)!
      return peak <= SILENT ? [] : [{ ...suspect, contentHash }]
    }),
    duplicates: [
      ...pairs.flatMap(({ hashes: [one, other], correlation }) => {
        const [a, b] = [byHash.get(one)?.[0], byHash.get(other)?.[0]]
        return one === other || a === undefined || b === undefined
          ? []
          : [{ recordings: [subjectOf(a), subjectOf(b)] as const, correlation }]
      }),
      ...[...byHash.values()].flatMap(([first, ...others]) =>
        first!.peak === 0
          ? []
          : others.map((other) => ({ recordings: [subjectOf(first!), subjectOf(other)] as const, correlation: 1 }))
      )
    ].sort((a, b) => Number(isWithinClass(a)) - Number(isWithinClass(b)) || b.correlation - a.correlation),
    unlabelled: yield* rankUnlabelled(unlabelled, corpus),
    silent: corpus.recordings
      .filter(({ peak }) => peak <= SILENT)
      .map((recording) => ({ ...subjectOf(recording), peak: recording.peak }))
  }
  yield* keeping(writeDocument(REVIEW_KEY, Review, review), undefined)
  return review
})

const subjectOf = ({ key, className, contentHash }: ReviewedRecording) => ({ key, className, contentHash })

// Those of two classes first: one of the two labels is wrong.
const isWithinClass = ({ recordings: [a, b] }: Review["duplicates"][number]): boolean => a.className === b.className

/** What the last review found; none before the first, or where that is damaged and has been set aside. */
export const readReview = Effect.map(
  readOrSetAside(REVIEW_KEY, Review, "what it found is found anew by the next review"),
  Option.map(({ value }) => value)
)

/** Of these pairs, in their order, those that link what none before them links: forty copies are 39 pairs, not 780. */
const linking = (pairs: Review["duplicates"]): Review["duplicates"] => {
  const linked = new Map<string, Set<string>>()
  return pairs.filter(({ recordings }) => {
    const [one, other] = recordings.map(({ key }) => linked.get(key) ?? new Set([key])) as [Set<string>, Set<string>]
    if (one.has(recordings[1].key)) return false
    for (const key of other) one.add(key)
    for (const key of one) linked.set(key, one)
    return true
  })
}

/** What of a review is still to be decided: neither kept by a person, nor moved or removed since. */
export const openItems = Effect.fn("openItems")(function* (review: Review, isThere: (key: string) => boolean) {
  const store = yield* Store
  const kept = new Set(
    yield* store.list(KEPT_PREFIX).pipe(
      Stream.map(({ key }) => key.slice(KEPT_PREFIX.length, -".json".length)),
      Stream.runCollect
    )
  )
  const isKept = ({ className, contentHash }: { readonly className: string; readonly contentHash: string }) =>
    kept.has(`${className}/${contentHash}`)
  const isOpen = (subject: { readonly key: string; readonly className: string; readonly contentHash: string }) =>
    isThere(subject.key) && !isKept(subject)
  return {
    ...review,
    suspects: review.suspects.filter(isOpen),
    duplicates: linking(
      review.duplicates.filter(
        ({ recordings }) => recordings.every(({ key }) => isThere(key)) && !recordings.every(isKept)
      )
    ),
    unlabelled: review.unlabelled.filter(({ key }) => isThere(key)),
    silent: review.silent.filter(isOpen)
  } satisfies Review
})
