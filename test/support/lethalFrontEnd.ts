import { frontEnd } from "./tinyEmbedder.ts"

/** The tiny embedder's front-end, which ends the Worker that it is loaded in, or keeps it waiting for good, where it is told to. */
export const frontEndOf = (fate: "dies" | "hangs" | "lives") => {
  if (fate === "lives") return frontEnd
  if (fate === "dies") {
    setTimeout(() => {
      throw new Error("as asked")
    })
  }
  return new Promise(() => {})
}
