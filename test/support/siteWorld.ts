import { predict } from "../../src/classifier/classifier.ts"
import { networkOf } from "../../src/classifier/denseNetwork.ts"
import { FEATURES } from "../../src/classifier/features/kinds.ts"
import { HEADS } from "../../src/classifier/heads/heads.ts"
import { amongMore, BACKGROUND_ODDS } from "../../src/classifier/prior.ts"
import type { KeptWindows } from "../../src/classifier/site/keptWindows.ts"
import type { SiteWindows } from "../../src/classifier/site/siteCorrection.ts"
import { codeVectors } from "../../src/embeddings/scans/coding.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { gaussian } from "./problems.ts"

/** Numbers of a window: the first says how much it is like a bark, the second a shot, the third a drill. */
export const SIZE = 6
export const VECTORS = { embedding: 2, layer8max: SIZE } as const
const CLASSES = ["clips", "dog_bark", "gun_shot"]

/** Windows like these numbers, [count * SIZE], with some noise. */
const around = (count: number, seed: number, like: (at: number) => ReadonlyArray<number>): Float32Array => {
  const random = seededRandom(seed)
  return Float32Array.from({ length: count * SIZE }, (_, at) =>
    Math.max(0, (like(Math.floor(at / SIZE))[at % SIZE] ?? 0) + 0.3 * gaussian(random))
  )
}

/** What windows are like. */
const DRILL = [0, 1.6, 2]
export const SHOT = [0, 2]

/** A site where every tenth window, or such a share of them, is of a drill, which is half like a shot, or of something else. */
export const siteWindows = (
  count: number,
  seed: number,
  share = 0.1,
  like: ReadonlyArray<number> = DRILL
): Float32Array => around(count, seed, (at) => ((at * share) % 1 < share ? like : []))

/** A classifier of windows that has never heard a drill, and what it was trained on. */
export const WORLD = (() => {
  const labels = Uint8Array.from({ length: 600 }, (_, at) => at % 3)
  const rows = around(600, 7, (at) => [[], [2], SHOT][at % 3]!)
  const features = FEATURES.layer8plain.make(SIZE, {}, CLASSES)
  const network = networkOf(HEADS.linear.description, SIZE, CLASSES.length)
  const kernel0 = Float32Array.from({ length: 3 * SIZE }, (_, at) =>
    [1, 5].includes(at) ? 0 : at === 4 || at === 5 ? 4 : 0
  )
  kernel0.set([0, 4, 0, 0, 0, 4])
  const classifier = amongMore(
    { classes: CLASSES, features, network, weights: { kernel0, bias0: Float32Array.of(0, -4, -4) } },
    "clips",
    BACKGROUND_ODDS
  )
  const hear = (own: Float32Array): SiteWindows => ({
    windows: codeVectors(own, [SIZE]),
    probabilities: predict(classifier, own)
  })
  const kept: KeptWindows = {
    classes: CLASSES,
    vectors: { layer8max: SIZE },
    labels,
    weights: new Float32Array(600).fill(1),
    ...hear(rows)
  }
  return { kept, hear, classes: CLASSES }
})()

/** Each row's number in a column of three. */
export const columnsIn = (values: Float32Array, column: number): ReadonlyArray<number> =>
  [...values].filter((_, at) => at % 3 === column)

/** Of rows of `width` numbers those from `from` on. */
export const windowsOf = (rows: Float32Array, width: number, from: number): Float32Array =>
  rows.filter((_, at) => at % width >= from)
