import { Effect, Stream } from "effect"
import { Settings } from "../config/settings.ts"
import type { Sighting, Version } from "../embeddings/sighting.ts"
import { makeSpanReader } from "../sound/field/spanReader.ts"
import type { ObjectInfo, StoreError } from "../store/store.ts"
import { shareMemory } from "./memory.ts"
import { isReadInParts, readRecording, ruledOut } from "./readRecording.ts"

/**
 * Reads recordings whose bytes are not known, until `least` of all are new for certain: a copied, moved or touched recording
 * looks new until it is read. Returns what was read, and how many of it only looked new. One that the store does not give is
 * new, and one so large that it is read in parts, which decoding alone delimits; one that cannot be used is not, as `isNew` says.
 */
export const readUnknown = Effect.fn("readUnknown")(function* <R>(
  objects: Stream.Stream<ObjectInfo, StoreError, R>,
  contentOf: (version: Version) => string | undefined,
  isNew: (key: string, contentHash: string | undefined) => boolean,
  least: number
) {
  const settings = yield* Settings
  const { maxRecordingMegabytes, fetchConcurrency } = settings
  const holding = yield* shareMemory(maxRecordingMegabytes)
  const spans = yield* makeSpanReader
  const sightings: Array<Sighting> = []
  let fresh = 0

  const identify = Effect.fnUntraced(function* (object: ObjectInfo) {
    const { sighting } = yield* readRecording(object, spans)
    sightings.push(sighting)
    return sighting.contentHash
  })

  yield* objects.pipe(
    Stream.filter((object) => ruledOut(object, settings) === undefined),
    Stream.mapEffect(
      (object) => {
        const known = contentOf(object)
        const found =
          known === undefined && !isReadInParts(object)
            ? identify(object).pipe(
                holding(object.size),
                Effect.catch(() => Effect.undefined)
              )
            : Effect.succeed(known)
        return Effect.map(found, (contentHash) => isNew(object.key, contentHash))
      },
      { concurrency: fetchConcurrency }
    ),
    Stream.filter((isOneNew) => isOneNew),
    Stream.takeUntil(() => ++fresh >= least),
    Stream.runDrain
  )
  const old = sightings.filter(({ key, contentHash }) => !isNew(key, contentHash)).length
  return { sightings, old }
}, Effect.scoped)
