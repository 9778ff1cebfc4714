import { Effect, Stream } from "effect"
import type { Dataset } from "../../src/classifier/dataset.ts"
import { Settings } from "../../src/config/settings.ts"
import type { ScoreLayer } from "../../src/embedder/embedder.ts"
import { Engine } from "../../src/embedder/engine.ts"
import { frontEnd } from "../../src/embedder/yamnet/frontEnd.ts"
import { PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { EMBEDDING_SIZE, SCORE_COUNT } from "../../src/embedder/yamnet/mobilenet.ts"
import { patchWeights } from "../../src/embedder/yamnet/pooling.ts"
import { Store } from "../../src/store/store.ts"
import { prepareRecording } from "../../src/stream/prepare.ts"
import { recordings } from "../../src/stream/recordings.ts"

/** One variant of a recording, patch by patch. */
export interface Patches {
  /** [1024] each. */
  readonly embeddings: ReadonlyArray<Float32Array>
  /** Embedding times the kernel of YAMNet's last layer, without the bias: [521] each. */
  readonly logits: ReadonlyArray<Float32Array>
  /** Each patch's share of the clip's energy. */
  readonly shares: Float64Array
}

/** Embeds every patch of a data set's samples; in the samples' order. */
export const patchesOf = Effect.fn("patchesOf")(function* (
  { samples }: Dataset,
  augmentations: number,
  { kernel }: ScoreLayer
) {
  const store = yield* Store
  const engine = yield* Engine
  const { clipMaxSeconds } = yield* Settings
  const known = new Map<string, Patches>()
  const embed = Effect.fnUntraced(function* (patches: Float32Array) {
    const embeddings: Array<Float32Array> = []
    for (let at = 0; at < patches.length; at += engine.batch * PATCH_SIZE) {
      const vectors = yield* engine.embed(patches.subarray(at, at + engine.batch * PATCH_SIZE))
      for (let row = 0; row < vectors.length; row += EMBEDDING_SIZE) {
        embeddings.push(vectors.slice(row, row + EMBEDDING_SIZE))
      }
    }
    return embeddings
  })
  yield* recordings.pipe(
    Stream.runForEach(({ key }) =>
      Effect.gen(function* () {
        const { bytes } = yield* store.get(key)
        const contentHash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex")
        const settings = { clipMaxSeconds, augmentations, audit: false }
        const { variants } = yield* prepareRecording(bytes, contentHash, frontEnd, settings)
        for (const { draw, patches } of variants) {
          const embeddings = yield* embed(patches)
          const logits = embeddings.map((embedding) => logitsOf(embedding, kernel))
          known.set(`${key} ${draw.variant}`, { embeddings, logits, shares: patchWeights(patches) })
        }
      })
    )
  )
  return samples.map(({ key, variant }) => known.get(`${key} ${variant}`)!)
})

const logitsOf = (embedding: Float32Array, kernel: Float32Array): Float32Array => {
  const logits = new Float32Array(SCORE_COUNT)
  for (const [feature, value] of embedding.entries()) {
    if (value === 0) continue
    for (let score = 0; score < SCORE_COUNT; score++) logits[score]! += value * kernel[feature * SCORE_COUNT + score]!
  }
  return logits
}
