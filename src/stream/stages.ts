import type { RunEvent } from "./events.ts"

/** What a run goes through, in the words in which people read of it, and what is counted meanwhile. */
export const STAGES = {
  list: { title: "Listing", unit: "recordings" },
  stream: { title: "Embedding", unit: "clips" },
  search: { title: "Looking for a head", unit: "s" },
  train: { title: "Training", unit: "epochs" },
  mix: { title: "Hearing soundscapes", unit: "minutes" },
  publish: { title: "Writing", unit: "files" }
} as const satisfies Record<Exclude<RunEvent["stage"], "skip">, { readonly title: string; readonly unit: string }>
