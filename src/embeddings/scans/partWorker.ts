import { Effect } from "effect"
import type { WindowSegment } from "./scannedRecording.ts"
import { decodeWindowPart } from "./windowPart.ts"

declare const self: Worker

/** A part as it is stored, and what its rows are to be like. */
export interface PartRequest {
  readonly part: string
  readonly name: string
  readonly bytes: Uint8Array
  readonly shape: { readonly size: number; readonly vectors: number }
}

/** Its segments, or a sentence that says why there are none. */
export type PartReply = { readonly segments: ReadonlyArray<WindowSegment> } | { readonly message: string }

self.onmessage = async ({ data: { part, name, bytes, shape } }: MessageEvent<PartRequest>) => {
  const reply = await Effect.runPromise(
    decodeWindowPart(part, name, bytes, shape).pipe(
      Effect.match({
        onSuccess: (segments): PartReply => ({ segments }),
        onFailure: ({ message }): PartReply => ({ message })
      })
    )
  )
  const codes = "segments" in reply ? reply.segments.map(({ windows }) => windows.codes.buffer as ArrayBuffer) : []
  self.postMessage(reply, [...new Set(codes)])
}

self.postMessage("ready")
