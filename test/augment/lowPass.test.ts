import { expect, test } from "bun:test"
import { augment } from "../../src/augment/augment.ts"
import { drawVariants } from "../../src/augment/draw.ts"

const tone = (hertz: number) =>
  Float32Array.from({ length: 16_000 }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / 16_000))
const loudness = (samples: Float32Array) => Math.hypot(...samples)

test("what lies above the drawn cutoff is gone, what lies below stays, and it is as long", () => {
  const [, draw] = drawVariants("0".repeat(64), 0, ["low_pass"])
  const { cutoff } = draw!.parameters
  const heard = (samples: Float32Array) => augment({ samples, sampleRate: 16_000 }, [draw!])[0]!.clip.samples
  const [low, high] = [tone(0.5 * cutoff!), tone(1.3 * cutoff!)]
  expect(loudness(heard(low)) / loudness(low)).toBeCloseTo(1, 2)
  expect(loudness(heard(high)) / loudness(high)).toBeLessThan(0.02)
  expect(heard(high).length).toBe(high.length)
})
