import { expect, test } from "bun:test"
import { Effect } from "effect"
import { evenWeights } from "../../src/embedder/frontEnd.ts"
import { frontEnd } from "../../src/embedder/yamnet/frontEnd.ts"
import { PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { patchWeights } from "../../src/embedder/yamnet/pooling.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { prepareRecording } from "../../src/stream/prepare.ts"
import { encode, wave } from "../support/pcmFiles.ts"

test("what nobody could hear is silent: next to nothing, a constant, sound beyond the front-end's band", async () => {
  const silent = async (sample: (i: number) => number, sampleRate = 16_000) => {
    const samples = Float64Array.from({ length: sampleRate }, (_, i) => sample(i))
    const file = wave(encode(samples, { kind: "float", bits: 32, bytes: 4 }), { coding: 3, bits: 32, rate: sampleRate })
    const settings = { clipMaxSeconds: 30, augmentations: 0, audit: false }
    return (await Effect.runPromise(prepareRecording(file, "c0ffee", frontEnd, settings))).silent
  }
  expect(await silent(() => 0)).toBe(true)
  expect(await silent(() => 0.25, 44_100)).toBe(true)
  expect(await silent((i) => 5e-5 * Math.sin(i))).toBe(true)
  expect(await silent((i) => -0.5 + 5e-5 * Math.sin(i), 48_000)).toBe(true)
  expect(
    await silent((i) => 0.5 * Math.sin(2 * Math.PI * 0.4 * i) * Math.sin((Math.PI * i) / 192_000) ** 2, 192_000)
  ).toBe(true)
  expect(await silent((i) => 1e-3 * Math.sin(i))).toBe(false)
})

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
