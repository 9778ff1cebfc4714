import { type Head, SMALLEST_DEVIATION } from "./head.ts"

/** EcoSight's own network. */
export const mlp: Head = {
  about: "is EcoSight's network",
  description: {
    input: "embedding",
    hidden: [512, 256, 128, 64],
    dropout: [0.5, 0.4, 0.3, 0.2],
    decay: 0,
    learningRate: 1e-3,
    smallestDeviation: SMALLEST_DEVIATION,
    labelSmoothing: 0,
    mixup: 0,
    balance: "balanced",
    earlyStopping: true,
    members: 1
  }
}
