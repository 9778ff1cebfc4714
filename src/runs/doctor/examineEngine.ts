import { availableParallelism } from "node:os"
import { Duration, Effect } from "effect"
import { Settings } from "../../config/settings.ts"
import { engineLayer } from "../../embedder/choose.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine } from "../../embedder/engine.ts"
import { ok, wrong } from "./finding.ts"

const TRIES = 3

/** What recordings are taken to be, where none was read. */
export const ASSUMED_SECONDS = 4
/** Core seconds that a variant of so many seconds takes beside the engine, to be decoded, augmented and written. */
const PREPARING = 0.007

/** How fast a machine embeds. */
export interface Speed {
  /** Through the engine alone. */
  readonly patchesPerSecond: number
  readonly patchesPerVariant: number
  /** Whether the engine computes beside the cores that prepare. */
  readonly isCard: boolean
}

/** Which engine would be chosen and why, and how fast it is here. */
export const examineEngine = Effect.fn("examineEngine")(function* (embedder: Embedder) {
  const { engine, precision } = yield* Settings
  return yield* Effect.gen(function* () {
    const { name, adapter, why, batch, frontEnd, embed } = yield* Engine
    const silence = new Float32Array(batch * frontEnd.patchSize)
    // The first makes buffers.
    yield* embed(silence)
    const [elapsed] = yield* Effect.timed(Effect.forEach(Array(TRIES), () => embed(silence), { discard: true }))
    const patchesPerSecond = (TRIES * batch) / Duration.toSeconds(elapsed)
    const { sampleRate, window, hop } = frontEnd
    const patchesPerVariant = Math.max(1, Math.ceil((ASSUMED_SECONDS * sampleRate - window) / hop) + 1)
    return {
      speed: { patchesPerSecond, patchesPerVariant, isCard: name === "webgpu" },
      findings: [
        ok(
          "engine",
          `${name} on ${adapter}, ${Math.round(patchesPerSecond).toLocaleString("en-US")} patches a second. ${why}`
        )
      ]
    }
  }).pipe(
    Effect.provide(engineLayer({ engine, precision, embedder })),
    Effect.catchTag("EngineError", ({ message }) =>
      Effect.succeed({ speed: undefined, findings: [wrong("engine", message)] })
    )
  )
})

/** Seconds that embedding so many variants takes, about. */
export const secondsFor = (variants: number, { patchesPerSecond, patchesPerVariant, isCard }: Speed): number => {
  const embedding = (variants * patchesPerVariant) / patchesPerSecond
  const preparing = (variants * PREPARING) / availableParallelism()
  return isCard ? Math.max(embedding, preparing) : embedding + preparing
}
