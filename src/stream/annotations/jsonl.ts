import type { TableFormat } from "./annotation.ts"

/** A line of JSON each, with all that is known; only written. */
export const jsonl: TableFormat = {
  name: "jsonl",
  writer: { ending: ".jsonl", perRecording: false, head: "", row: (detection) => `${JSON.stringify(detection)}\n` }
}
