import { seededRandom } from "../../sound/random.ts"
import { HEADS, type HeadDescription } from "../network.ts"

/** A head to be tried, by its place among all. */
export interface Candidate {
  readonly number: number
  readonly name: string
  readonly description: HeadDescription
}

/**
 * The heads that a search tries, without end: those on offer, then ever new ones drawn from all that a head can be.
 * Each is drawn from its own number, so that a search that goes on for longer tries the same ones first.
 *
 * EcoSight's network comes after some that train in a twentieth of its time.
 *
 * @param hasScores Whether YAMNet's last layer is there, which half of the heads see.
 */
export const candidates = function* (seed: number, hasScores: boolean): Generator<Candidate> {
  const named: ReadonlyArray<keyof typeof HEADS> = hasScores ? ["audioset", "linear"] : ["linear"]
  const drawn = (number: number): Candidate => ({
    number,
    name: `drawn ${number}`,
    description: drawHead(seed, number, hasScores)
  })
  let number = 0
  for (const name of named) yield { number: number++, name, description: HEADS[name] }
  while (number < 8) yield drawn(number++)
  yield { number: number++, name: "mlp", description: HEADS.mlp }
  for (;;) yield drawn(number++)
}

const drawHead = (seed: number, number: number, hasScores: boolean): HeadDescription => {
  const random = seededRandom(seed ^ Math.imul(number + 1, 0x9e3779b1))
  const pick = <T>(choices: ReadonlyArray<T>): T => choices[Math.floor(random() * choices.length)]!
  // Evenly over the logarithm.
  const between = (least: number, most: number) => Number((least * (most / least) ** random()).toPrecision(2))
  const input = hasScores ? pick(["scores", "scores", "embedding"] as const) : "embedding"
  const hidden = pick([[], [], [], [32], [128], [128, 32]])
  const rate = pick([0.2, 0.4, 0.6])
  return {
    input,
    hidden,
    dropout: hidden.map(() => rate),
    decay: input === "scores" ? between(0.001, 0.1) : between(0.01, 10),
    learningRate: hidden.length > 0 ? between(0.0005, 0.005) : between(0.003, 0.03),
    smallestDeviation: input === "scores" ? pick([null, null, 0.1, 0.3]) : pick([null, 0.1, 0.3, 1]),
    labelSmoothing: pick([0, 0, 0.05, 0.1]),
    mixup: pick([0, 0, 0.2, 0.5]),
    balance: pick(["balanced", "balanced", "root"] as const),
    earlyStopping: pick([false, false, true]),
    members: pick([1, 1, 1, 3])
  }
}
