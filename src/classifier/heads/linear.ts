import { type Head, REGRESSION } from "./head.ts"

/** A regression on the embedding, for little data. */
export const linear: Head = {
  about: "learns from YAMNet's embeddings",
  description: { ...REGRESSION, decay: 0.1 }
}
