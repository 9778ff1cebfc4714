import { expect, test } from "bun:test"
import { Effect } from "effect"
import { evenWeights } from "../../src/embedder/frontEnd.ts"
import { frontEnd } from "../../src/embedder/yamnet/frontEnd.ts"
import { PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { patchWeights } from "../../src/embedder/yamnet/pooling.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { prepareRecording } from "../../src/stream/prepare.ts"

test("a recording's patches count by their energy, those of its variants all the same", async () => {
  const samples = Float32Array.from({ length: 48_000 }, (_, i) => (i > 30_000 ? 0.5 : 0.01) * Math.sin(i * i))
  const { bytes } = encodeWav({ samples, sampleRate: 16_000 })
  const { variants } = await Effect.runPromise(
    prepareRecording(bytes, "c0ffee", frontEnd, { clipMaxSeconds: 30, augmentations: 3, audit: false })
  )
  const [original, ...others] = variants
  expect(original!.weights).toEqual(patchWeights(original!.patches))
  expect(Math.max(...original!.weights)).toBeGreaterThan(0.3)
  expect(others).toHaveLength(3)
  for (const { weights, patches } of others) expect(weights).toEqual(evenWeights(patches.length / PATCH_SIZE))
})
