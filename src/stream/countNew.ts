import { Effect, Stream } from "effect"
import { Settings } from "../config/settings.ts"
import type { Sighting, Version } from "../embeddings/sighting.ts"
import type { ObjectInfo, StoreError } from "../store/store.ts"
import { shareMemory } from "./memory.ts"
import { readRecording } from "./readRecording.ts"

/**
 * Counts what is new among these recordings, up to `least`, and reads those whose bytes are not known to tell: a copied,
 * moved or touched recording looks new until it is read. Returns what was read. One that cannot be read counts as new.
 */
export const countNew = Effect.fn("countNew")(function* <R>(
  objects: Stream.Stream<ObjectInfo, StoreError, R>,
  contentOf: (version: Version) => string | undefined,
  isNew: (key: string, contentHash: string | undefined) => boolean,
  least: number
) {
  const { maxRecordingMegabytes, fetchConcurrency } = yield* Settings
  const holding = yield* shareMemory(maxRecordingMegabytes)
  const sightings: Array<Sighting> = []
  let fresh = 0

  const identify = Effect.fnUntraced(function* (object: ObjectInfo) {
    if (object.size > maxRecordingMegabytes * 1e6) return undefined
    const { sighting } = yield* readRecording(object)
    sightings.push(sighting)
    return sighting.contentHash
  })

  yield* objects.pipe(
    Stream.mapEffect(
      (object) => {
        const known = contentOf(object)
        const found =
          known === undefined
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
  return { fresh, sightings }
})
