import { audioset } from "./audioset.ts"
import { type Head, REGRESSION } from "./head.ts"

/**
 * `audioset`, by itself and from what YAMNet knows of sounds of the classes' names, mixed with a linear discriminant on an
 * earlier layer, which still hears what the last one has forgotten.
 */
export const layers: Head = {
  about: "mixes audioset with a linear discriminant on an earlier layer of YAMNet's",
  description: audioset.description,
  mixedWith: [
    { ...audioset.description, input: "namedScores", prior: 0.5, variants: 0 },
    {
      ...REGRESSION,
      input: "layer8max",
      smallestDeviation: 0.001,
      earlyStopping: false,
      sources: "same",
      variants: 0.25,
      discriminant: { shrinkage: 0.7, sharpness: 0.1 },
      share: 2
    }
  ]
}
