/** What is looked at, in the order in which it is told. */
export type Check =
  | "machine"
  | "settings"
  | "store"
  | "recordings"
  | "models"
  | "weights"
  | "engine"
  | "space"
  | "time"
  | "database"
  | "queue"
  | "tracker"

/** What a check came to: in order, worth knowing, or to be mended; one sentence or two that say what to do. */
export interface Finding {
  readonly check: Check
  readonly state: "ok" | "note" | "wrong"
  readonly says: string
}

export const ok = (check: Check, says: string): Finding => ({ check, state: "ok", says })
export const note = (check: Check, says: string): Finding => ({ check, state: "note", says })
export const wrong = (check: Check, says: string): Finding => ({ check, state: "wrong", says })
