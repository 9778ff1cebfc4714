import { Effect, Result } from "effect"
import { type FrontEndOrigin, importFrontEnd } from "../embedder/frontEnd.ts"
import { writeCopy } from "../store/folder-copy.ts"
import { variantKey } from "../store/keys.ts"
import { GrowingRecording, type GrowingRequest, type Grown, type Progress } from "./growingRecording.ts"
import { type PreparedRecording, type PrepareSettings, prepareRecording } from "./prepare.ts"

declare const self: Worker

/** Where a worker writes a recording's audit copies itself: the folder of the store, and the recording's key there. */
export interface CopiesPlace {
  readonly folder: string
  readonly key: string
}

/** A recording on its way to a worker: all of it; or that it begins, its bytes in order, and that no more will come. */
export type WorkerRequest =
  | {
      readonly bytes: Uint8Array
      readonly contentHash: string
      /** The front-end to prepare for. */
      readonly origin: FrontEndOrigin
      readonly settings: PrepareSettings
      readonly copies?: CopiesPlace
    }
  | { readonly open: GrowingRequest & { readonly origin: FrontEndOrigin } }
  | { readonly more: Uint8Array }
  | "end"

/** What a worker says of each recording: the result, or why it cannot be used; of each part of one, how far it is. */
export type WorkerReply =
  | { readonly prepared: PreparedRecording; readonly contentHash: string }
  | { readonly reason: string; readonly contentHash?: string }
  | { readonly progress: Progress }

let growing: GrowingRecording | undefined

const answer = async (request: WorkerRequest): Promise<WorkerReply> => {
  if (request === "end") return told(await growing!.end())
  if ("more" in request) return { progress: await growing!.push(request.more) }
  if ("open" in request) {
    await growing?.close()
    const { origin, ...own } = request.open
    growing = new GrowingRecording(await importFrontEnd(origin), own)
    return { progress: { seconds: 0, bytes: 0, isEnough: false } }
  }
  const { bytes, contentHash, origin, settings, copies } = request
  const outcome = await Effect.runPromise(
    prepareRecording(bytes, contentHash, await importFrontEnd(origin), settings).pipe(
      Effect.flatMap((prepared) => (copies === undefined ? Effect.succeed(prepared) : writeCopies(prepared, copies))),
      Effect.mapError(({ reason }) => reason),
      Effect.result
    )
  )
  return told({ contentHash, outcome })
}

/** Writes what audit copies it can, and leaves the others to its owner. */
const writeCopies = Effect.fnUntraced(function* (prepared: PreparedRecording, { folder, key }: CopiesPlace) {
  const variants = yield* Effect.forEach(prepared.variants, (variant) =>
    variant.wav === null
      ? Effect.succeed(variant)
      : writeCopy(folder, variantKey(key, variant.draw.variant), variant.wav).pipe(
          Effect.as({ ...variant, wav: null }),
          Effect.orElseSucceed(() => variant)
        )
  )
  return { ...prepared, variants }
})

const told = ({ contentHash, outcome }: Grown): WorkerReply =>
  Result.isSuccess(outcome) ? { prepared: outcome.success, contentHash } : { reason: outcome.failure, contentHash }

const buffersOf = ({ variants }: PreparedRecording): Array<ArrayBuffer> =>
  variants.flatMap(({ patches, wav }) => [patches.buffer as ArrayBuffer, ...(wav ? [wav.buffer as ArrayBuffer] : [])])

/** Until what was asked before is answered: answers are told apart by their order. */
let before = Promise.resolve()

self.onmessage = ({ data }: MessageEvent<WorkerRequest>) => {
  before = before
    .then(() => answer(data))
    // A mistake of ours, met on this recording: the next one may be fine.
    .catch((cause: unknown): WorkerReply => ({ reason: `The decoder failed: ${cause}.` }))
    .then((reply) => self.postMessage(reply, "prepared" in reply ? buffersOf(reply.prepared) : []))
}

self.postMessage("ready")
