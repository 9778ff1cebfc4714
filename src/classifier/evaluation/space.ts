import { seededRandom } from "../../sound/random.ts"
import type { EmbedderLayers } from "../features/features.ts"
import { FEATURE_NAMES, FEATURES, hasFeatures } from "../features/kinds.ts"
import { descriptionsOf, type Head, type HeadDescription } from "../heads/head.ts"
import { HEAD_NAMES, HEADS, isOffered } from "../heads/heads.ts"

/** A head to be tried, by its place among all. */
export interface HeadCandidate {
  readonly number: number
  readonly name: string
  readonly description: HeadDescription
  readonly mixedWith?: ReadonlyArray<HeadDescription>
}

/** Heads that are drawn before the named ones that have hidden layers, which train in twenty times their time. */
const FIRST_DRAWN = 8

/**
 * The heads that a search tries, without end: those on offer, then ever new ones drawn from all that a head can be.
 * Each is drawn from its own number, so that a search that goes on for longer tries the same ones first.
 *
 * @param embedder Whose layers heads may see.
 */
export const candidates = function* (seed: number, embedder: EmbedderLayers): Generator<HeadCandidate> {
  const named = HEAD_NAMES.toReversed()
    .filter((name) => isOffered(HEADS[name], embedder))
    .map((name): Omit<HeadCandidate, "number"> => {
      const { description, mixedWith }: Head = HEADS[name]
      return { name, description, ...(mixedWith && { mixedWith }) }
    })
  const isQuick = (head: (typeof named)[number]) => descriptionsOf(head).every(({ hidden }) => hidden.length === 0)
  let number = 0
  const drawn = (): HeadCandidate => {
    const own = number++
    return { number: own, name: `drawn ${own}`, description: drawHead(seed, own, embedder) }
  }
  for (const head of named.filter(isQuick)) yield { number: number++, ...head }
  while (number < FIRST_DRAWN) yield drawn()
  for (const head of named.filter((own) => !isQuick(own))) yield { number: number++, ...head }
  for (;;) yield drawn()
}

const drawHead = (seed: number, number: number, embedder: EmbedderLayers): HeadDescription => {
  const random = seededRandom(seed ^ Math.imul(number + 1, 0x9e3779b1))
  const pick = <T>(choices: ReadonlyArray<T>): T => choices[Math.floor(random() * choices.length)]!
  // Evenly over the logarithm.
  const between = (least: number, most: number) => Number((least * (most / least) ** random()).toPrecision(2))
  const seen = FEATURE_NAMES.filter((name) => FEATURES[name].drawn.weight > 0 && hasFeatures(name, embedder))
  const weighted = seen.flatMap((name) => Array.from({ length: FEATURES[name].drawn.weight }, () => name))
  const input = seen.length === 1 ? seen[0]! : pick(weighted)
  const { decay, smallestDeviation } = FEATURES[input].drawn
  const hidden = pick([[], [], [], [32], [128], [128, 32]])
  const rate = pick([0.2, 0.4, 0.6])
  return {
    input,
    hidden,
    dropout: hidden.map(() => rate),
    decay: between(...decay),
    prior: null,
    optimizer: "adam",
    learningRate: hidden.length > 0 ? between(0.0005, 0.005) : between(0.003, 0.03),
    smallestDeviation: pick(smallestDeviation),
    labelSmoothing: pick([0, 0, 0.05, 0.1]),
    mixup: pick([0, 0, 0.2, 0.5]),
    balance: pick(["balanced", "balanced", "root"] as const),
    earlyStopping: pick([false, false, true]),
    members: pick([1, 1, 1, 3]),
    discriminant: null,
    share: 1,
    sources: pick(["same", "same", "root", "by samples"] as const),
    variants: pick([0.5, 0.5, null])
  }
}
