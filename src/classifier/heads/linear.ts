import { type Head, SMALLEST_DEVIATION } from "./head.ts"

/** A regularised multinomial regression on the embedding, for little data. */
export const linear: Head = {
  about: "learns from YAMNet's embeddings",
  description: {
    input: "embedding",
    hidden: [],
    dropout: [],
    decay: 0.1,
    learningRate: 0.01,
    smallestDeviation: SMALLEST_DEVIATION,
    labelSmoothing: 0,
    mixup: 0,
    balance: "balanced",
    earlyStopping: true,
    members: 1
  }
}
