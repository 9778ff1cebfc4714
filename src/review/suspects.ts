import { Effect } from "effect"
import { makeDataset } from "../classifier/dataset.ts"
import { meanProbabilities, outOfFold } from "../classifier/evaluation/outOfFold.ts"
import { likeliest } from "../classifier/likeliest.ts"
import { nearestNeighbours } from "../classifier/neighbours/nearest.ts"
import { VOTERS, voteOfNeighbours } from "../classifier/neighbours/vote.ts"
import { nativeBackend } from "../classifier/train/nativeBackend.ts"
import { train } from "../classifier/train/train.ts"
import type { ReviewedCorpus } from "./reviewedCorpus.ts"

/** A recording whose label is likely wrong. */
export interface Suspect {
  readonly key: string
  readonly className: string
  /** The class that it is more likely of. */
  readonly suggested: string
  /** By how much it is, 0 to 1. */
  readonly score: number
  /** The reason, as a sentence. */
  readonly why: string
}

/** How the classifier of the second opinion is trained. */
const TRAINING = { head: "linear", epochs: 100, batchSize: 64 } as const
const FOLDS = { folds: 5, repeats: 1, seed: 0 } as const

/**
 * The recordings whose labels are likely wrong, the most likely first: two opinions are asked that know nothing of a
 * recording's own label, its ten nearest neighbours and a linear classifier trained on the other four fifths, and
 * their mean is held against the label.
 *
 * Sources are not held apart: a recording with a wrong label shows beside its siblings with right ones. Hence whole
 * sources with wrong labels are not found.
 */
export const findSuspects = Effect.fn("findSuspects")(function* (
  { width, recordings, vectors }: ReviewedCorpus,
  onFold: (done: number, total: number) => Effect.Effect<void> = () => Effect.void
) {
  const classes = [...new Set(recordings.map(({ className }) => className))].sort()
  if (classes.length < 2) return []
  const labels = recordings.map(({ className }) => classes.indexOf(className))
  const neighbours = yield* nearestNeighbours(vectors, width, VOTERS)
  const vote = voteOfNeighbours(neighbours, labels, classes.length)
  const dataset = yield* makeDataset(
    recordings.map(({ key, className }, row) => ({
      key,
      className,
      group: key,
      variant: "original",
      vector: vectors.subarray(row * width, (row + 1) * width)
    }))
  )
  const predicted = yield* outOfFold(
    dataset,
    FOLDS,
    (split, seed) => train(dataset, split, { ...TRAINING, seed }, nativeBackend),
    onFold
  )
  const trained = meanProbabilities(predicted)
  return recordings
    .flatMap(({ key, className }, row): ReadonlyArray<Suspect> => {
      const from = row * classes.length
      const opinions = [vote, trained]
        .map((shares) => shares.subarray(from, from + classes.length))
        .filter((shares) => !shares.some(Number.isNaN))
      const mean = classes.map((_, at) => opinions.reduce((sum, shares) => sum + shares[at]! / opinions.length, 0))
      const label = labels[row]!
      const { label: best } = likeliest(mean)
      const score = mean[best]! - mean[label]!
      if (score <= 0) return []
      const near = [...neighbours.indices.subarray(row * VOTERS, (row + 1) * VOTERS)].filter((other) => other >= 0)
      const own = near.filter((other) => labels[other] === label).length
      const others = near.filter((other) => labels[other] === best).length
      const suggested = classes[best]!
      const said = opinions[1]
      const why =
        `Of the ${near.length} recordings that sound most like it, ${others} are ${suggested} and ${own} ${className}` +
        (said === undefined
          ? "."
          : `; a classifier that has not seen it says ${suggested} with ${percent(said[best]!)}, ${className} with ${percent(said[label]!)}.`)
      return [{ key, className, suggested, score, why }]
    })
    .sort((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1))
})

const percent = (share: number): string => `${Math.round(100 * share)} %`
