import type { RetrainOptions } from "../../src/runs/planRun.ts"

/** Every stage, quickly, and a promotion each time. */
export const MORTAL_OPTIONS: RetrainOptions = {
  augmentations: 0,
  epochs: 12,
  batchSize: 64,
  head: "linear",
  seed: 0,
  minNewSamples: 0,
  promotion: "always",
  audit: false
}
