import { join } from "node:path"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../src/config/settings.ts"
import { engineLayer } from "../src/embedder/choose.ts"
import { Engine } from "../src/embedder/engine.ts"
import { settledEmbedder } from "../src/runs/services.ts"
import { prepareRecording } from "../src/stream/prepare.ts"
import { BenchError, inProcess } from "./inProcess.ts"
import { Bench, summarise } from "./measure.ts"

// From nothing to a recording's first embedding: the process, the weights, the engine, decoding and one batch.

const TIMES = 5

/** Embeds a recording's original, and says how much there is of it. */
export const embedOnce = ({ file }: { readonly file: string }) =>
  Effect.gen(function* () {
    const { engine, precision, clipMaxSeconds } = yield* Settings
    const embedder = yield* settledEmbedder({ allowUntrained: true })
    const bytes = yield* Effect.promise(() => Bun.file(file).bytes())
    const { variants } = yield* prepareRecording(bytes, "", embedder.frontEnd, {
      clipMaxSeconds,
      augmentations: 0,
      audit: false
    })
    return yield* Effect.gen(function* () {
      const { batch, embed } = yield* Engine
      const embeddings = yield* embed(variants[0]!.patches.subarray(0, batch * embedder.frontEnd.patchSize))
      return embeddings.length
    }).pipe(Effect.provide(engineLayer({ engine, precision, embedder })))
  }).pipe(Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)))

export const coldStart = Effect.gen(function* () {
  const { folder, sounds } = yield* Bench
  const file = join(folder, sounds[0]!.name)
  const times: Array<number> = []
  for (let time = 0; time <= TIMES; time++) {
    const began = performance.now()
    const values = yield* inProcess<{ readonly file: string }, number>("cold", { file })
    if (values === 0) return yield* new BenchError({ message: "The cold start embedded nothing" })
    // The first one finds nothing in the system's cache.
    if (time > 0) times.push(performance.now() - began)
  }
  return [summarise("cold start", "to the first embedding", { unit: "ms", lowerIsBetter: true }, times)]
})
