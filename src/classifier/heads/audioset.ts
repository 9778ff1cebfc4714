import type { Head } from "./head.ts"

/** A multinomial regression on what YAMNet makes of a clip itself, for little data. */
export const audioset: Head = {
  about: "learns from YAMNet's own scores of AudioSet's classes",
  description: {
    input: "scores",
    hidden: [],
    dropout: [],
    decay: 0.01,
    learningRate: 0.03,
    smallestDeviation: null,
    labelSmoothing: 0,
    mixup: 0,
    balance: "balanced",
    earlyStopping: false,
    members: 1
  }
}
