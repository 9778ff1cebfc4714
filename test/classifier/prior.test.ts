import { expect, test } from "bun:test"
import { predict } from "../../src/classifier/classifier.ts"
import { networkOf } from "../../src/classifier/denseNetwork.ts"
import { FEATURES } from "../../src/classifier/features/kinds.ts"
import { HEADS } from "../../src/classifier/heads/heads.ts"
import { initialWeights } from "../../src/classifier/initial.ts"
import { amongMore } from "../../src/classifier/prior.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { gaussian } from "../support/problems.ts"

const CLASSES = ["clips", "dog", "shot"]

test("among ten times as much background each event's odds against it are a tenth, and those among events the same", () => {
  const features = FEATURES.embedding.make(64, {}, [])
  const branch = (seed: number) => {
    const network = networkOf(
      { ...HEADS.linear.description, hidden: [5], dropout: [0] },
      features.width,
      CLASSES.length
    )
    return { features, network, weights: initialWeights(network, seededRandom(seed)) }
  }
  const classifier = { ...branch(1), classes: CLASSES, mixedWith: [branch(2)] }
  const random = seededRandom(3)
  const vectors = Float32Array.from({ length: 4 * 64 }, () => Math.max(0, gaussian(random)))
  const balanced = predict(classifier, vectors)
  const field = predict(amongMore(classifier, "clips", 10), vectors)
  for (let row = 0; row < 4; row++) {
    const [before, after] = [balanced, field].map((of) => of.subarray(3 * row, 3 * row + 3)) as [
      Float32Array,
      Float32Array
    ]
    for (const event of [1, 2]) expect((10 * after[event]!) / after[0]!).toBeCloseTo(before[event]! / before[0]!, 4)
    expect(after[1]! / after[2]!).toBeCloseTo(before[1]! / before[2]!, 4)
  }
  expect(predict(amongMore(classifier, undefined, 10), vectors)).toEqual(balanced)
})
