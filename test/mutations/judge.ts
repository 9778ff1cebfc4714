import { Effect, Stream } from "effect"
import { decodeClip } from "../../src/sound/decode/decode.ts"
import { fieldPieces } from "../../src/sound/field/readField.ts"
import { FOREIGN } from "./mutate.ts"

/** Read at once of a field recording: small ones, so that most that a decoder waits for comes in parts. */
const BLOCK_BYTES = 5000

/** Decodes a damaged file as a clip and as a field recording; `fault` is what is wrong with what came of it, if anything. */
export const judge = Effect.fnUntraced(function* (bytes: Uint8Array, maxSeconds: number) {
  const clip = yield* decodeClip(bytes, { maxSeconds }).pipe(
    Effect.match({
      onFailure: ({ reason }) => ({
        isRead: false,
        fault: reason.startsWith("The file ") ? faultIn([reason]) : reason
      }),
      onSuccess: ({ samples }) => ({
        isRead: true,
        fault: samples.length > 0 && samples.every(Number.isFinite) ? "" : "samples that are not finite, or none"
      })
    })
  )
  return clip.fault === "" ? { ...clip, fault: yield* faultInField(bytes) } : clip
})

const faultInField = Effect.fnUntraced(function* (bytes: Uint8Array) {
  let noted: ReadonlyArray<string> = []
  let finite = true
  const read = (from: number, to: number) => Effect.sync(() => bytes.slice(from, to))
  const onNoted = (found: ReadonlyArray<string>) => {
    noted = found
  }
  return yield* fieldPieces(read, { size: bytes.length, blockBytes: BLOCK_BYTES, onNoted }).pipe(
    Stream.runForEach(({ samples }) =>
      Effect.sync(() => {
        finite &&= samples.every(Number.isFinite)
      })
    ),
    Effect.match({
      onFailure: ({ reason }) => faultIn([reason]),
      onSuccess: () => (finite ? faultIn(noted) : "samples of the field recording that are not finite")
    })
  )
})

/** The sentences that are none, or not ours. */
const faultIn = (sentences: ReadonlyArray<string>): string =>
  sentences.filter((sentence) => !/^[A-Z0-9].+\.$/s.test(sentence) || FOREIGN.test(sentence)).join(" ")
