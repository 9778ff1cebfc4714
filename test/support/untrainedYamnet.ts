import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { calibrationPatches } from "../../src/embedder/yamnet/calibrationSounds.ts"
import { TAPS } from "../../src/embedder/yamnet/mobilenet.ts"
import { findWeights } from "../../src/embedder/yamnet/weights.ts"
import { quantiseYamnet, yamnetOf } from "../../src/embedder/yamnet/yamnet.ts"

// What whole numbers of few sounds are worth is nothing here.
const FEW = calibrationPatches(4)

/** The untrained network in YAMNet's place: always the same, and nothing is looked for or downloaded. */
export const untrainedYamnet = findWeights({ folder: "no such folder", addresses: [], allowUntrained: true }).pipe(
  Effect.flatMap((weights) =>
    Effect.map(Effect.cached(quantiseYamnet(weights, FEW)), (round) => yamnetOf(weights, TAPS, undefined, round))
  ),
  Effect.provide(Layer.mergeAll(NodeServices.layer, FetchHttpClient.layer))
)
