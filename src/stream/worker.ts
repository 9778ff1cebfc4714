import { Effect, Result } from "effect"
import { type PreparedRecording, type PrepareSettings, prepareRecording } from "./prepare.ts"

declare const self: Worker

/** A recording on its way to a worker. */
export interface WorkerRequest {
  readonly bytes: Uint8Array
  readonly settings: PrepareSettings
}

/** What a worker answers: the recording, or why it cannot be used. */
export type WorkerReply = { readonly prepared: PreparedRecording } | { readonly reason: string }

self.onmessage = async ({ data: { bytes, settings } }: MessageEvent<WorkerRequest>) => {
  const result = await Effect.runPromise(Effect.result(prepareRecording(bytes, settings)))
  if (Result.isFailure(result)) return self.postMessage({ reason: result.failure.reason } satisfies WorkerReply)
  const prepared = result.success
  self.postMessage({ prepared } satisfies WorkerReply, buffersOf(prepared))
}

const buffersOf = ({ variants }: PreparedRecording): Array<ArrayBufferLike & Transferable> =>
  variants.flatMap(({ patches, wav }) => [patches.buffer as ArrayBuffer, ...(wav ? [wav.buffer as ArrayBuffer] : [])])
