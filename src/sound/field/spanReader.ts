import { Effect, Exit, Result, Scope, Semaphore, Stream } from "effect"
import type { DecodeError } from "../decode/decode.ts"
import type { Sound } from "../decode/fault.ts"
import { Feed, MORE } from "../decode/feed.ts"
import { openFeed } from "../decode/openContainer.ts"
import { concatenate } from "../floats.ts"
import type { Piece } from "./fieldDecoder.ts"
import { fieldPieces, readSpan, type Span } from "./readField.ts"
import type { ReadRange } from "./readRange.ts"

/** Seconds of sound before a span that are kept: spans that are asked for at once come in nearly, not quite, their order. */
const KEPT_SECONDS = 30
/** What tells a format. */
const HEAD_BYTES = 1 << 16
const BLOCK_BYTES = 1 << 18

/** Which file spans are of: `name` differs where its bytes do. */
export interface SpannedFile<E> {
  readonly name: string
  readonly size: number
  readonly read: ReadRange<E, never>
}

/** A recording in hand: what came of it last, and what gives more. */
interface Reading {
  readonly name: string
  readonly scope: Scope.Closeable
  /** More of its pieces; none behind the last. */
  readonly more: Effect.Effect<ReadonlyArray<Piece>, unknown>
  readonly kept: Array<Piece>
  isDone: boolean
}

/**
 * Reads spans of recordings as `readSpan` does. Of a recording that can only be decoded from its start, spans that follow each
 * other are read by one pass: it stays open until a span of another, or one further in front, is asked for.
 */
export const makeSpanReader = Effect.gen(function* () {
  const turn = yield* Semaphore.make(1)
  const plain = new Map<string, boolean>()
  let reading: Reading | undefined

  const close = Effect.suspend(() => {
    const scope = reading?.scope
    reading = undefined
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  })
  yield* Effect.addFinalizer(() => close)

  const open = Effect.fnUntraced(function* <E>({ name, size, read }: SpannedFile<E>) {
    yield* close
    const scope = yield* Scope.make()
    const pull = yield* Stream.toPull(fieldPieces(read, { size, blockBytes: BLOCK_BYTES })).pipe(Scope.provide(scope))
    const more = pull.pipe(Effect.catchTag("Done", () => Effect.succeed<ReadonlyArray<Piece>>([])))
    reading = { name, scope, more, kept: [], isDone: false }
    return reading
  })

  const readInTurn = Effect.fnUntraced(
    function* <E>(file: SpannedFile<E>, span: Span) {
      const isHere = reading?.name === file.name && beginOf(reading.kept) <= span.from
      const current = isHere ? reading! : yield* open(file)
      const { kept, more } = current
      while (!current.isDone && endOf(kept) < span.to) {
        const pieces = yield* more as Effect.Effect<ReadonlyArray<Piece>, E | DecodeError>
        current.isDone = pieces.length === 0
        kept.push(...pieces)
        while (kept.length > 1 && endOf(kept.slice(0, 1)) < span.from - KEPT_SECONDS) kept.shift()
      }
      return cut(kept, span)
    },
    Effect.onError(() => close),
    turn.withPermit
  )

  const isPlain = Effect.fnUntraced(function* <E>({ name, size, read }: SpannedFile<E>) {
    const known = plain.get(name)
    if (known !== undefined) return known
    const feed = Feed.growing(size)
    feed.push(yield* read(0, Math.min(size, HEAD_BYTES)))
    const opened = openFeed(feed)
    const isIt = opened !== MORE && Result.isSuccess(opened) && "begin" in opened.success
    plain.set(name, isIt)
    return isIt
  })

  return <E>(file: SpannedFile<E>, span: Span): Effect.Effect<Sound, E | DecodeError> =>
    Effect.flatMap(isPlain(file), (is) => (is ? readSpan(file.read, file.size, span) : readInTurn(file, span)))
})
export type SpanReader = Effect.Success<typeof makeSpanReader>

/** The seconds at which pieces begin, and end. */
const beginOf = ([first]: ReadonlyArray<Piece>): number => (first === undefined ? 0 : first.start / first.rate)
const endOf = (pieces: ReadonlyArray<Piece>): number => {
  const last = pieces.at(-1)
  return last === undefined ? 0 : (last.start + last.samples.length) / last.rate
}

const cut = (pieces: ReadonlyArray<Piece>, { from, to }: Span): Sound => {
  const rate = pieces[0]?.rate ?? 0
  const [first, end] = [Math.floor(from * rate), Math.floor(to * rate)]
  const parts = pieces.map(({ start, samples }) =>
    samples.subarray(Math.max(0, first - start), Math.max(0, end - start))
  )
  return { samples: concatenate(parts.filter(({ length }) => length > 0)).slice(), rate }
}
