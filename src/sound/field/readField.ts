import { Effect, Option, Stream } from "effect"
import { DecodeError, refuse } from "../decode/decode.ts"
import type { Sound } from "../decode/fault.ts"
import { Ffmpeg } from "../decode/ffmpeg.ts"
import { concatenate } from "../floats.ts"
import { FieldDecoder, type Piece } from "./fieldDecoder.ts"
import { readIndex } from "./mp4Index.ts"
import type { ReadRange } from "./readRange.ts"

/** Which seconds of a recording. */
export interface Span {
  readonly from: number
  readonly to: number
}

export interface FieldOptions {
  /** Of the file, in bytes. */
  readonly size: number
  /** All of the recording, unless said. */
  readonly span?: Span
  /** What is read at once. */
  readonly blockBytes?: number
  /** Told, before the stream ends, what is wrong with the recording and was read all the same. */
  readonly onNoted?: (noted: ReadonlyArray<string>) => void
}

const BLOCK_BYTES = 1 << 20

/**
 * The sound of a recording of any length, or of a span of it, piece by piece, read block by block as it is asked for.
 *
 * Of uncompressed formats (WAV, AIFF, CAF, AU) no more is read than the header and the span; others are read, and
 * decoded, from the start.
 */
export const fieldPieces = <E, R>(
  read: ReadRange<E, R>,
  { size, span = { from: 0, to: Number.POSITIVE_INFINITY }, blockBytes = BLOCK_BYTES, onNoted }: FieldOptions
): Stream.Stream<Piece, E | DecodeError, R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      // Read before the decoder is made, and used as its first block.
      const head = size === 0 ? new Uint8Array() : yield* read(0, Math.min(size, blockBytes))
      const index = yield* readIndex(read, size, head)
      const program = yield* Ffmpeg
      const decoder = yield* Effect.acquireRelease(
        Effect.sync(() => new FieldDecoder(size, span.from, undefined, index, { program })),
        (it) => Effect.promise(() => it.close())
      )
      let pieces: AsyncGenerator<Piece> | undefined
      let isEnding = false
      const step = Effect.gen(function* () {
        if (pieces === undefined) {
          const from = decoder.next
          if (from === undefined) {
            isEnding = true
            pieces = decoder.end()
          } else {
            const bytes = from === 0 ? head : yield* read(from, Math.min(size, from + blockBytes))
            if (bytes.length === 0) isEnding = true
            pieces = isEnding ? decoder.end() : decoder.push(bytes, from)
          }
        }
        const current = pieces
        const { value, done } = yield* Effect.tryPromise({ try: () => current.next(), catch: toldOf })
        if (done !== true) {
          const isLast = (value.start + value.samples.length) / value.rate >= span.to
          if (isLast) onNoted?.(decoder.noted)
          return [[value], isLast ? Option.none() : Option.some(undefined)] as const
        }
        pieces = undefined
        if (isEnding) onNoted?.(decoder.noted)
        return [[], isEnding ? Option.none() : Option.some(undefined)] as const
      })
      return Stream.paginate(undefined, () => step)
    })
  )

const toldOf = (cause: unknown): DecodeError =>
  cause instanceof DecodeError ? cause : refuse("is damaged: its decoder gives up on it")

/** The sound of a span of a recording, mono, at its own rate; shorter where the recording ends, or begins, within it. */
export const readSpan = Effect.fn("readSpan")(function* <E, R>(
  read: ReadRange<E, R>,
  size: number,
  span: Span
): Effect.fn.Return<Sound, E | DecodeError, R> {
  const pieces = yield* Stream.runCollect(fieldPieces(read, { size, span, blockBytes: 1 << 18 }))
  const rate = pieces[0]?.rate ?? 0
  const whole = concatenate(pieces.map(({ samples }) => samples))
  const first = pieces[0]?.start ?? 0
  return { samples: whole.slice(0, Math.max(0, Math.floor(span.to * rate) - first)), rate }
})
