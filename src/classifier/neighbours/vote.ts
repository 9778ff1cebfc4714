import type { Neighbours } from "./nearest.ts"

/** How many neighbours vote; half as many find as much (docs/decisions/labels.md). */
export const VOTERS = 10

/**
 * A neighbour this much further off in cosine weighs 1/e. Without it a class of few recordings, outnumbered among the
 * ten, is outvoted.
 */
const DISTANCE = 0.02

/**
 * What each row's neighbours say it is: shares of the classes [rows * classes], by their labels (one for each vector).
 *
 * A row's own label has no say. Without neighbours all classes are equally likely.
 */
export const voteOfNeighbours = (
  { rows, k, indices, similarities }: Neighbours,
  labels: ArrayLike<number>,
  classes: number
): Float32Array => {
  const shares = new Float32Array(rows.length * classes)
  for (let row = 0; row < rows.length; row++) {
    const own = shares.subarray(row * classes, (row + 1) * classes)
    const nearest = similarities[row * k]!
    let sum = 0
    for (let at = row * k; at < (row + 1) * k && indices[at]! >= 0; at++) {
      const weight = Math.exp((similarities[at]! - nearest) / DISTANCE)
      own[labels[indices[at]!]!]! += weight
      sum += weight
    }
    for (let label = 0; label < classes; label++) own[label] = sum === 0 ? 1 / classes : own[label]! / sum
  }
  return shares
}
