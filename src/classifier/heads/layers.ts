import { audioset } from "./audioset.ts"
import { type Head, REGRESSION } from "./head.ts"

/** `audioset`, mixed with a linear discriminant on an earlier layer, which still hears what the last one has forgotten. */
export const layers: Head = {
  about: "mixes audioset with a linear discriminant on an earlier layer of YAMNet's",
  description: audioset.description,
  mixedWith: [
    {
      ...REGRESSION,
      input: "layer8max",
      smallestDeviation: 0.001,
      earlyStopping: false,
      sources: "same",
      variants: 0.25,
      discriminant: { shrinkage: 0.7, sharpness: 0.1 }
    }
  ]
}
