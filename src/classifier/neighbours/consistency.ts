import { Effect } from "effect"
import { seededRandom, shuffled } from "../../sound/random.ts"
import { type Dataset, embeddingsOf } from "../dataset.ts"
import { nearestNeighbours } from "./nearest.ts"
import { VOTERS, voteOfNeighbours } from "./vote.ts"

/** How many of some recordings' labels agree with what was predicted without them. */
export interface Agreement {
  readonly recordings: number
  readonly agreeing: number
}

/** How well the labels of new recordings go with everything else, against those that were there before. */
export interface LabelConsistency {
  readonly fresh: Agreement
  readonly before: Agreement
  readonly classes: ReadonlyArray<{ readonly className: string; readonly fresh: Agreement; readonly before: Agreement }>
  /**
   * How likely so few of the new labels would agree by chance if they were as right as the others, class by class: an
   * exact test, one-sided. 1 where there is nothing to compare.
   */
  readonly pValue: number
  /** By how much the new labels' share of agreement is below that of the old ones of the same classes; 0 to 1. */
  readonly shortfall: number
}

/**
 * Compares how often labels agree with predictions made without them (probabilities, [n * classes]), for new recordings
 * and for those before.
 *
 * Fisher's exact test, stratified: each class's agreements are dealt to its old and new recordings at random, so that a
 * batch of a class that is hard to tell is held against the old recordings of that class only. Classes without old, or
 * without new, recordings say nothing. Rows with probabilities that are not numbers are left out.
 */
export const labelConsistency = (input: {
  readonly classes: ReadonlyArray<string>
  readonly labels: ArrayLike<number>
  readonly probabilities: Float32Array
  readonly isNew: ArrayLike<boolean>
}): LabelConsistency => {
  const classes = input.classes.map((className) => ({
    className,
    fresh: { recordings: 0, agreeing: 0 },
    before: { recordings: 0, agreeing: 0 }
  }))
  for (let row = 0; row < input.labels.length; row++) {
    const own = input.probabilities.subarray(row * classes.length, (row + 1) * classes.length)
    if (own.some(Number.isNaN)) continue
    const label = input.labels[row]!
    const side = classes[label]![input.isNew[row]! ? "fresh" : "before"]
    side.recordings++
    if (own.every((share, other) => other === label || share < own[label]!)) side.agreeing++
  }
  const sum = (side: "fresh" | "before"): Agreement => ({
    recordings: classes.reduce((total, own) => total + own[side].recordings, 0),
    agreeing: classes.reduce((total, own) => total + own[side].agreeing, 0)
  })
  return {
    fresh: sum("fresh"),
    before: sum("before"),
    classes,
    pValue: stratifiedTest(classes),
    shortfall: shortfallOf(classes)
  }
}

const shortfallOf = (classes: LabelConsistency["classes"]): number => {
  const comparable = classes.filter(({ fresh, before }) => fresh.recordings > 0 && before.recordings > 0)
  const recordings = comparable.reduce((sum, { fresh }) => sum + fresh.recordings, 0)
  const missing = comparable.reduce(
    (sum, { fresh, before }) => sum + (fresh.recordings * before.agreeing) / before.recordings - fresh.agreeing,
    0
  )
  return recordings === 0 ? 0 : Math.max(0, missing / recordings)
}

/** The consistency as a sentence. */
export const describeConsistency = ({ fresh, before, pValue }: LabelConsistency): string => {
  const share = ({ recordings, agreeing }: Agreement) =>
    `${recordings === 0 ? "none" : `${Math.round((100 * agreeing) / recordings)} %`} of ${recordings}`
  return (
    `${share(fresh)} new labels agree with those of the recordings that sound most alike, ` +
    `${share(before)} before (p = ${pValue.toPrecision(2)})`
  )
}

/** The most recordings of each side that are looked at, drawn by a seed: more make it no surer, only slower. */
const MOST = 2_000

/**
 * How well the labels of the recordings that `isNew` names (by key) go with everything else: each recording's original
 * is held against the labels of its ten nearest others by cosine, of its own source or not.
 *
 * Sources are not held apart, because a source's recordings share their label: new sources are then not doubted for being
 * new. How many wrong labels it takes to be found: docs/decisions/labels.md.
 */
export const checkLabels = Effect.fn("checkLabels")(function* (dataset: Dataset, isNew: (key: string) => boolean) {
  const originals = dataset.samples.flatMap(({ variant }, row) => (variant === "original" ? [row] : []))
  const labels = originals.map((row) => dataset.labels[row]!)
  const fresh = originals.map((row) => isNew(dataset.samples[row]!.key))
  const rows = [true, false].flatMap((side) => {
    const own = fresh.flatMap((value, at) => (value === side ? [at] : []))
    return [...shuffled(own.length, seededRandom(0)).subarray(0, MOST)].map((at) => own[at]!)
  })
  const { width, values } = embeddingsOf(dataset, originals)
  const neighbours = yield* nearestNeighbours(values, width, VOTERS, { rows })
  return labelConsistency({
    classes: dataset.classes,
    labels: rows.map((row) => labels[row]!),
    probabilities: voteOfNeighbours(neighbours, labels, dataset.classes.length),
    isNew: rows.map((row) => fresh[row]!)
  })
})

/** The chance of at most as many agreements among the new as there are, given each class's agreements in all. */
const stratifiedTest = (classes: LabelConsistency["classes"]): number => {
  let distribution = new Float64Array([1])
  let observed = 0
  for (const { fresh, before } of classes) {
    if (fresh.recordings === 0 || before.recordings === 0) continue
    const total = fresh.recordings + before.recordings
    const agreeing = fresh.agreeing + before.agreeing
    observed += fresh.agreeing
    const next = new Float64Array(distribution.length + fresh.recordings)
    for (let count = 0; count <= fresh.recordings; count++) {
      const chance = hypergeometric(count, fresh.recordings, agreeing, total)
      if (chance === 0) continue
      for (let at = 0; at < distribution.length; at++) next[at + count]! += distribution[at]! * chance
    }
    distribution = next
  }
  return Math.min(
    1,
    distribution.subarray(0, observed + 1).reduce((sum, chance) => sum + chance, 0)
  )
}

/** The chance of `count` marked ones among `drawn`, of `total` with `marked` marked. */
const hypergeometric = (count: number, drawn: number, marked: number, total: number): number => {
  if (count > marked || drawn - count > total - marked) return 0
  return Math.exp(choose(marked, count) + choose(total - marked, drawn - count) - choose(total, drawn))
}

const choose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k)

const logarithms = [0]
const logFactorial = (n: number): number => {
  for (let i = logarithms.length; i <= n; i++) logarithms.push(logarithms[i - 1]! + Math.log(i))
  return logarithms[n]!
}
