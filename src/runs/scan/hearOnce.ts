import { Effect, Schema, Stream } from "effect"
import type { HeardEvent } from "../../classifier/events/event.ts"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { Engine } from "../../embedder/engine.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { codeVectors } from "../../embeddings/scans/coding.ts"
import { type ScanRecipe, sizesOf, windowTimes } from "../../embeddings/scans/scanRecipe.ts"
import { readIndex } from "../../sound/field/mp4Index.ts"
import { backgroundOf } from "../../store/className.ts"
import { Listeners } from "../../stream/field/listeners.ts"
import { toldEvents } from "./judgeRecordings.ts"
import { SCORED_WINDOWS, type WindowModel } from "./windowModel.ts"

/** A recording that goes on for longer than is heard at once. */
export class TooLong extends Schema.TaggedError<TooLong>()("TooLong", { seconds: Schema.Finite }) {}

/** What a model hears in one recording, of which nothing is kept. */
export interface HeardOnce {
  readonly seconds: number
  readonly events: ReadonlyArray<HeardEvent>
  /** The probabilities in the window in which something other than the background is surest. */
  readonly surest: Readonly<Record<string, number>>
}

interface Hearing {
  readonly recipe: ScanRecipe
  readonly model: WindowModel
  readonly settings: EventSettings
  /** Of the file, in bytes. */
  readonly size: number
  /** Seconds after which it is too long. */
  readonly most: number
  /** Told how far it is, in seconds. */
  readonly onSeconds: (seconds: number) => Effect.Effect<void>
}

const BLOCK_BYTES = 1 << 20

/** Hears a recording from its first byte to its last, in memory that does not grow but by its windows' probabilities. */
export const hearOnce = Effect.fn("hearOnce")(function* (
  read: (from: number, to: number) => Effect.Effect<Uint8Array>,
  { recipe, model, settings, size, most, onSeconds }: Hearing
) {
  const engine = yield* Engine
  const { hear } = yield* Listeners
  const { classes, score } = model
  const width = rowSize(engine.frontEnd)
  const sizes = sizesOf(recipe)
  const { patchSize } = engine.frontEnd
  const blocks = Stream.fromIterable(
    Array.from({ length: Math.ceil(size / BLOCK_BYTES) }, (_, at) => at * BLOCK_BYTES)
  ).pipe(Stream.mapEffect((from) => read(from, Math.min(size, from + BLOCK_BYTES))))
  const rows = new Float32Array(SCORED_WINDOWS * width)
  const scored: Array<Float32Array> = []
  let [filled, seconds] = [0, 0]

  const scoreRows = Effect.fnUntraced(function* () {
    rows.fill(0, filled * width)
    scored.push((yield* score(codeVectors(rows, sizes))).slice(0, filled * classes.length))
    filled = 0
  })
  const embed = Effect.fnUntraced(function* (patches: Float32Array) {
    const embedded = yield* engine.embed(patches)
    for (let at = 0; at < embedded.length; ) {
      const taken = Math.min(embedded.length - at, (SCORED_WINDOWS - filled) * width)
      rows.set(embedded.subarray(at, at + taken), filled * width)
      filled += taken / width
      at += taken
      if (filled === SCORED_WINDOWS) yield* scoreRows()
    }
  })
  const index = yield* readIndex(read, size, yield* read(0, Math.min(size, BLOCK_BYTES)))
  yield* hear(blocks, { frontEnd: engine.frontEnd, index, size, first: 0 }).pipe(
    Stream.runForEach(
      Effect.fnUntraced(function* (listened) {
        seconds = listened.seconds
        if (seconds > most) return yield* new TooLong({ seconds })
        yield* onSeconds(seconds)
        const batch = engine.batch * patchSize
        for (const { patches } of listened.chunks) {
          for (let at = 0; at < patches.length; at += batch) yield* embed(patches.subarray(at, at + batch))
        }
      })
    )
  )
  if (filled > 0) yield* scoreRows()
  const probabilities = new Float32Array(scored.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of scored) {
    probabilities.set(part, at)
    at += part.length
  }
  return {
    seconds,
    events: toldEvents(probabilities, model, windowTimes(recipe), seconds, settings),
    surest: surestOf(probabilities, classes, backgroundOf(classes))
  } satisfies HeardOnce
})

const surestOf = (probabilities: Float32Array, classes: ReadonlyArray<string>, quiet: string | undefined) => {
  const width = classes.length
  const columns = classes.flatMap((name, column) => (name === quiet ? [] : [column]))
  let [best, surest] = [0, -1]
  for (let window = 0; window * width < probabilities.length; window++) {
    for (const column of columns) {
      const value = probabilities[window * width + column]!
      if (value > surest) [best, surest] = [window, value]
    }
  }
  return Object.fromEntries(classes.map((name, column) => [name, probabilities[best * width + column] ?? 0]))
}
