import { Effect } from "effect"
import { type FrontEndOrigin, importFrontEnd } from "../embedder/frontEnd.ts"
import { type PreparedRecording, type PrepareSettings, prepareRecording } from "./prepare.ts"

declare const self: Worker

/** A recording on its way to a worker. */
export interface WorkerRequest {
  readonly bytes: Uint8Array
  readonly contentHash: string
  /** The front-end to prepare for. */
  readonly origin: FrontEndOrigin
  readonly settings: PrepareSettings
}

/** What a worker says: that it has loaded; then, for each recording, the result, or why it cannot be used. */
export type WorkerReply = "ready" | { readonly prepared: PreparedRecording } | { readonly reason: string }

const reply = (message: WorkerReply, transfer: Array<ArrayBuffer> = []) => self.postMessage(message, transfer)

self.onmessage = ({ data: { bytes, contentHash, origin, settings } }: MessageEvent<WorkerRequest>) =>
  Effect.promise(() => importFrontEnd(origin)).pipe(
    Effect.flatMap((frontEnd) => prepareRecording(bytes, contentHash, frontEnd, settings)),
    Effect.match({
      onSuccess: (prepared) => reply({ prepared }, buffersOf(prepared)),
      onFailure: ({ reason }) => reply({ reason })
    }),
    // A mistake of ours, met on this recording: the next one may be fine.
    Effect.catchDefect((defect) => Effect.sync(() => reply({ reason: `The decoder failed: ${defect}.` }))),
    Effect.runPromise
  )

const buffersOf = ({ variants }: PreparedRecording): Array<ArrayBuffer> =>
  variants.flatMap(({ patches, wav }) => [patches.buffer as ArrayBuffer, ...(wav ? [wav.buffer as ArrayBuffer] : [])])

reply("ready")
