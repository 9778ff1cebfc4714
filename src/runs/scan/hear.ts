import { Effect, Stream } from "effect"
import { Engine, type EngineError, embedPatches } from "../../embedder/engine.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import type { ObjectInfo } from "../../store/store.ts"
import { type PatchesInHand, recordingsInHand, type TellHearing } from "./recordingsInHand.ts"
import { type RowsInHand, windowKeeper } from "./windowKeeper.ts"

/** Chunks embedded at once, so that an engine of several processes has the next batch when one ends. */
const CHUNKS_AT_ONCE = 2

interface HearSettings {
  readonly recipe: ScanRecipe
  readonly known: KnownScans
  /** Recordings heard at once. */
  readonly listeners: number
  readonly emit: TellHearing
}

/**
 * Hears field recordings that were not heard yet, and stores their windows' vectors part by part; gives each recording
 * once all of it is stored. What is stored of a recording already is not heard again, nor is a copy of one.
 *
 * A recording that cannot be heard is told of and left out. Only that the store fails ends it; what is stored stays.
 */
export const hear = Effect.fnUntraced(function* <E, R>(
  objects: Stream.Stream<ObjectInfo, E, R>,
  { recipe, known, listeners, emit }: HearSettings
) {
  const engine = yield* Engine
  const { patchesOf, takePostponed, letGo, remember } = yield* recordingsInHand(known, emit)
  const { keep, flush } = yield* windowKeeper(recipe, known, emit)

  const embed = ({ chunk, ...heard }: PatchesInHand): Effect.Effect<RowsInHand, EngineError> =>
    chunk === undefined
      ? Effect.succeed(heard)
      : Effect.map(embedPatches(engine, chunk.patches), (rows) => ({ ...heard, rows }))

  const hearAll = <E2, R2>(those: Stream.Stream<ObjectInfo, E2, R2>) =>
    those.pipe(
      Stream.flatMap(patchesOf, { concurrency: listeners, bufferSize: 2 }),
      Stream.mapEffect(embed, { concurrency: CHUNKS_AT_ONCE }),
      Stream.mapEffect(keep),
      Stream.flattenIterable
    )

  const rest = Stream.unwrap(Effect.map(flush(), Stream.fromIterable))
  // One after another, each once those before it are stored: what looks alike need not be copies of one recording.
  const copies = Stream.suspend(() => Stream.fromIterable(takePostponed())).pipe(
    Stream.flatMap((object) => {
      letGo()
      return Stream.concat(hearAll(Stream.make(object)), rest)
    })
  )
  return Stream.concat(hearAll(objects), rest).pipe(
    Stream.concat(copies),
    // Without them, copies are read again by the next scan.
    Stream.ensuring(Effect.ignore(remember, { log: "Warn" }))
  )
})
