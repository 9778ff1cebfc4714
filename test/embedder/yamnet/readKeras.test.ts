import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { makeNative } from "../../../src/embedder/native/nativeEngine.ts"
import { logMelPatches, PATCH_SIZE } from "../../../src/embedder/yamnet/logMel.ts"
import { findWeights } from "../../../src/embedder/yamnet/weights.ts"
import { backboneOf } from "../../../src/embedder/yamnet/yamnet.ts"
import { distance } from "../../support/yamnetReference.ts"

const folder = process.env.ECOSIGHT_YAMNET_H5
const reason = folder === undefined ? " (skipped: set ECOSIGHT_YAMNET_H5 to what test/cross/yamnet_h5.py wrote)" : ""

const floats = async (name: string) => new Float32Array(await Bun.file(join(folder!, name)).arrayBuffer())

describe.skipIf(folder === undefined)(`a yamnet.h5 that Keras wrote${reason}`, () => {
  test("embeds patches as Keras does", async () => {
    const patches = await floats("patches.f32")
    const embeddings = await findWeights({ folder: folder!, allowUntrained: false }).pipe(
      Effect.flatMap((network) => makeNative({ backbone: backboneOf(network, []), why: "a test" })),
      Effect.flatMap((engine) => engine.embed(patches)),
      Effect.scoped,
      Effect.provide([NodeServices.layer, FetchHttpClient.layer]),
      Effect.runPromise
    )
    const expected = await floats("embeddings.f32")
    expect(embeddings.length).toBe(expected.length)
    const { largest, relative } = distance(embeddings, expected)
    expect(largest).toBeLessThan(1e-3)
    expect(relative).toBeLessThan(1e-4)
  })

  const withCode = folder !== undefined && existsSync(join(folder, "log_mel.f32"))
  test.skipIf(!withCode)(
    `has log-mel frames as ours${withCode ? "" : " (skipped: written without --code)"}`,
    async () => {
      const patches = logMelPatches(await floats("waveform.f32"))
      const frames = await floats("log_mel.f32")
      const half = PATCH_SIZE / 2
      expect(patches.length).toBe(2 * (frames.length - half))
      for (let patch = 0; patch < patches.length / PATCH_SIZE; patch++) {
        const expected = frames.subarray(patch * half, (patch + 2) * half)
        const { largest, relative } = distance(patches.subarray(patch * PATCH_SIZE, (patch + 1) * PATCH_SIZE), expected)
        expect(largest).toBeLessThan(1e-3)
        expect(relative).toBeLessThan(1e-4)
      }
    }
  )
})
