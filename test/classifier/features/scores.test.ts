import { expect, test } from "bun:test"
import { FEATURES } from "../../../src/classifier/features/kinds.ts"
import { SCORE_SCALE } from "../../../src/classifier/features/scores.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { gaussian } from "../../support/problems.ts"
import { standInScores } from "../../support/trainingRuns.ts"

const random = seededRandom(3)
const scores = standInScores()
const { of } = FEATURES.scores.make(1024, { scores }, [])
// As YAMNet's embeddings: nothing below zero, most features zero.
const clips = Float32Array.from({ length: 3 * 1024 }, () => Math.max(0, gaussian(random) - 0.5))

test("scores are those of the embedding at its usual scale, whatever its own", () => {
  const clip = clips.subarray(1024, 2048)
  const features = of(clip)
  expect(features.length).toBe(521)
  const mean = clip.reduce((sum, value) => sum + value, 0) / 1024
  const deviation = Math.sqrt(clip.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 1024)
  for (const score of [0, 17, 520]) {
    const logit = clip.reduce(
      (sum, value, feature) => sum + (value / deviation) * SCORE_SCALE * scores.kernel[feature * 521 + score]!,
      scores.bias[score]!
    )
    expect(features[score]).toBeCloseTo(1 / (1 + Math.exp(-logit)), 4)
  }
})
