/** How a run trains unless it is told otherwise. */
export const TRAINING_DEFAULTS = {
  augmentations: 5,
  epochs: 100,
  batchSize: 64,
  head: "default",
  seed: 0,
  promotion: "auto",
  audit: true
} as const
