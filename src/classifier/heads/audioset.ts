import { type Head, REGRESSION } from "./head.ts"

/** A regression on what YAMNet makes of a clip itself, for little data. */
export const audioset: Head = {
  about: "learns from YAMNet's own scores of AudioSet's classes",
  description: {
    ...REGRESSION,
    input: "scores",
    decay: 0.002,
    optimizer: "lbfgs",
    smallestDeviation: null,
    earlyStopping: false,
    sources: "same",
    variants: 0.5
  }
}
