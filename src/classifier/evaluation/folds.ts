import { seededRandom, shuffled } from "../../sound/random.ts"
import type { Dataset } from "../dataset.ts"

/** The fold of a group that is trained on in every fold, and never tested. */
export const ALWAYS_TRAINED = -1

/**
 * Deals a data set's groups (sources) into folds, so that every class is spread over them as evenly as whole groups
 * allow. The fold of each group, by name; other seeds give other folds.
 *
 * A group that holds all recordings of a class stays out (`ALWAYS_TRAINED`): without it the class could not be trained,
 * and a test of it would say nothing.
 */
export const assignFolds = (
  { classes, samples, labels }: Pick<Dataset, "classes" | "samples" | "labels">,
  folds: number,
  seed: number
): ReadonlyMap<string, number> => {
  const counts = new Map<string, Map<number, number>>()
  for (const [row, { group, variant }] of samples.entries()) {
    if (variant !== "original") continue
    const own = counts.get(group) ?? new Map<number, number>()
    counts.set(group, own)
    own.set(labels[row]!, (own.get(labels[row]!) ?? 0) + 1)
  }
  const sources = new Uint32Array(classes.length)
  for (const own of counts.values()) for (const label of own.keys()) sources[label]! += 1
  const names = [...counts.keys()].sort()
  const isOnly = (name: string) => [...counts.get(name)!.keys()].some((label) => sources[label] === 1)
  const dealt = names.filter((name) => !isOnly(name))
  const order = [...shuffled(dealt.length, seededRandom(seed))].map((place) => dealt[place]!)
  const fold = dealGroups(
    order.map((name) => counts.get(name)!),
    classes.length,
    folds
  )
  return new Map([
    ...names.filter(isOnly).map((name) => [name, ALWAYS_TRAINED] as const),
    ...order.map((name, at) => [name, fold[at]!] as const)
  ])
}

/**
 * The fold of each group, given its number of recordings by class: scikit-learn's StratifiedGroupKFold.
 *
 * Groups whose classes are most uneven go first, equal ones in the order given; each goes where the classes' shares then
 * deviate least between folds, and among equals where there are the fewest recordings.
 */
export const dealGroups = (
  groups: ReadonlyArray<ReadonlyMap<number, number>>,
  classes: number,
  folds: number
): Int32Array => {
  const total = new Float64Array(classes)
  for (const group of groups) for (const [label, count] of group) total[label]! += count
  const filled = Array.from({ length: folds }, () => new Float64Array(classes))
  const size = new Float64Array(folds)
  const unevenness = groups.map((group) => {
    const mean = sumOf(group) / classes
    const absent = (classes - group.size) * mean * mean
    return [...group.values()].reduce((sum, count) => sum + (count - mean) ** 2, absent)
  })
  const order = groups.map((_, at) => at).sort((a, b) => unevenness[b]! - unevenness[a]!)
  const fold = new Int32Array(groups.length)
  for (const at of order) {
    const own = [...groups[at]!]
    // Only the group's own classes change, so the others have no say.
    const spreadIn = (chosen: number) =>
      own.reduce((sum, [label, count]) => {
        const shares = filled.map((in_, place) => (in_[label]! + (place === chosen ? count : 0)) / total[label]!)
        const mean = shares.reduce((all, share) => all + share, 0) / folds
        return sum + Math.sqrt(shares.reduce((all, share) => all + (share - mean) ** 2, 0) / folds)
      }, 0)
    let best = 0
    let least = Number.POSITIVE_INFINITY
    for (let candidate = 0; candidate < folds; candidate++) {
      const spread = spreadIn(candidate)
      if (spread < least - TIE || (spread < least + TIE && size[candidate]! < size[best]!)) {
        best = candidate
        least = spread
      }
    }
    fold[at] = best
    size[best]! += sumOf(groups[at]!)
    for (const [label, count] of own) filled[best]![label]! += count
  }
  return fold
}

const TIE = 1e-9

const sumOf = (group: ReadonlyMap<number, number>): number => [...group.values()].reduce((sum, count) => sum + count, 0)
