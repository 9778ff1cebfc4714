import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { findWeights } from "../../src/embedder/yamnet/weights.ts"
import { yamnetOf } from "../../src/embedder/yamnet/yamnet.ts"

/** The untrained network in YAMNet's place: always the same, and nothing is looked for or downloaded. */
export const untrainedYamnet = findWeights({ folder: "no such folder", addresses: [], allowUntrained: true }).pipe(
  Effect.map(yamnetOf),
  Effect.provide(Layer.mergeAll(NodeServices.layer, FetchHttpClient.layer))
)
