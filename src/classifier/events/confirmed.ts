import type { WindowTimes } from "./event.ts"

/**
 * What each window says, confirmed by a neighbour that overlaps it: the geometric mean of each class's probability in both,
 * the likelier neighbour's. Whatever sounds is in two windows at least, and what only one of them takes for an event had
 * better not outdo what both do. Windows that do not overlap stay as they are.
 *
 * @param probabilities [windows * width], in the order of the recording, without gaps.
 */
export const confirmed = (probabilities: Float32Array, width: number, { window, hop }: WindowTimes): Float32Array => {
  const isAlone = probabilities.length <= width || Math.round(window / hop) < 2
  if (isAlone) return probabilities
  return probabilities.map((own, at) =>
    Math.sqrt(own * Math.max(probabilities[at - width] ?? 0, probabilities[at + width] ?? 0))
  )
}
