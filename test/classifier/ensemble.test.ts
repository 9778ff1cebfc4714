import { expect, test } from "bun:test"
import { predict } from "../../src/classifier/classifier.ts"
import { networkOf } from "../../src/classifier/denseNetwork.ts"
import { joinMembers } from "../../src/classifier/ensemble.ts"
import { FEATURES } from "../../src/classifier/features/kinds.ts"
import { HEADS } from "../../src/classifier/heads/heads.ts"
import { initialWeights } from "../../src/classifier/initial.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { gaussian } from "../support/problems.ts"

test.each([[[]], [[6]], [[6, 5]]])("joined networks with hidden layers %o give the mean of their logits", (hidden) => {
  const features = FEATURES.embedding.make(1024, {}, [])
  const network = networkOf({ ...HEADS.mlp.description, hidden, dropout: hidden.map(() => 0.5) }, features.width, 3)
  const random = seededRandom(4)
  const members = [1, 2, 3].map((seed) =>
    Object.fromEntries(
      Object.entries(initialWeights(network, seededRandom(seed))).map(([name, values]) => [
        name,
        values.map((value) => value + 0.2 * random())
      ])
    )
  )
  const vectors = Float32Array.from({ length: 5 * 1024 }, () => Math.max(0, gaussian(random)))
  const joined = predict({ features, ...joinMembers(network, members) }, vectors)
  const each = members.map((weights) => predict({ features, network, weights }, vectors))
  for (let row = 0; row < 5; row++) {
    // A mean of logits is a geometric mean of probabilities.
    const means = [0, 1, 2].map((label) => each.reduce((product, own) => product * own[row * 3 + label]! ** (1 / 3), 1))
    const total = means.reduce((sum, mean) => sum + mean, 0)
    for (const [label, mean] of means.entries()) expect(joined[row * 3 + label]).toBeCloseTo(mean / total, 5)
  }
})
