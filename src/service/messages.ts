import type { ObjectInfo } from "../store/store.ts"
import type { RunEvent } from "../stream/events.ts"

/** What the service asks of its engine process. Answers come in the order of the questions. */
export type EngineRequest =
  /** Load this version, so that its first prediction need not. */
  | { readonly kind: "load"; readonly runId: string }
  | { readonly kind: "predict"; readonly runId: string; readonly bytes: Uint8Array }
  /** Decode only: is it a recording? */
  | { readonly kind: "inspect"; readonly bytes: Uint8Array }

export type EngineReply =
  | { readonly kind: "loaded" }
  | { readonly kind: "predicted"; readonly probabilities: Readonly<Record<string, number>> }
  | { readonly kind: "inspected"; readonly seconds: number }
  /** The bytes are no usable recording. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The version cannot be used. */
  | { readonly kind: "failed"; readonly message: string }

/** What the watcher's process tells: recordings that may be new, or are gone; or why it cannot go on. */
export type WatcherMessage =
  | { readonly kind: "found"; readonly objects: ReadonlyArray<ObjectInfo>; readonly gone: ReadonlyArray<string> }
  | { readonly kind: "failed"; readonly message: string }

/** What a run's process tells; the last message is one of the latter two, unless the process dies. */
export type RunMessage =
  | { readonly kind: "event"; readonly event: RunEvent }
  | { readonly kind: "finished"; readonly decision: string }
  | { readonly kind: "failed"; readonly message: string }

/** A run's task, as the JSON that its process is started with. */
export interface RunTask {
  readonly runId: string
  readonly store: string
  readonly reason: string
}
