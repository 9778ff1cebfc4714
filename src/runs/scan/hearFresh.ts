import { Clock, Effect, Stream } from "effect"
import { Settings } from "../../config/settings.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import type { ObjectInfo } from "../../store/store.ts"
import { Listeners } from "../../stream/field/listeners.ts"
import { hear } from "./hear.ts"
import { type Archive, judgePlaced } from "./judgePlaced.ts"
import { paceOf, type ScanCallbacks } from "./scanProgress.ts"

/** Recordings that are judged together: each part of the store is read once for them. */
const JUDGED_TOGETHER = 64

/** Hears recordings, in this process or on a cluster's workers, and stores what it hears. */
export type HearAll<E, R> = (
  archive: Archive,
  fresh: ReadonlyArray<ObjectInfo>,
  told: ScanCallbacks
) => Effect.Effect<FreshlyHeard, E, R>

/** What came of it. */
export interface FreshlyHeard {
  /** All that is heard by now. */
  readonly known: KnownScans
  readonly heard: ReadonlyArray<ScannedRecording>
  readonly skipped: ReadonlyArray<{ readonly key: string; readonly reason: string }>
  readonly seconds: number
}

/** Hears recordings, and judges each once all of it is stored. */
export const hearFresh = Effect.fn("hearFresh")(function* (
  archive: Archive,
  fresh: ReadonlyArray<ObjectInfo>,
  { onProgress, onSkip }: ScanCallbacks
) {
  const began = yield* Clock.currentTimeMillis
  const { workers, maxRecordingMegabytes } = yield* Settings
  const skipped: Array<{ readonly key: string; readonly reason: string }> = []
  const heard: Array<ScannedRecording> = []
  const pace = yield* paceOf(fresh.reduce((sum, { size }) => sum + size, 0))
  yield* Stream.unwrap(
    hear(Stream.fromIterable(fresh), {
      ...archive,
      listeners: workers,
      emit: (event) => {
        if (event.stage === "heard") return Effect.flatMap(pace(event), onProgress)
        const { key, reason } = event
        skipped.push({ key, reason })
        return onSkip(key, reason)
      }
    })
  ).pipe(
    Stream.groupedWithin(JUDGED_TOGETHER, "5 seconds"),
    Stream.runForEach((recordings) => {
      heard.push(...recordings)
      const placed = recordings.map((recording) => ({ recording, key: recording.key }))
      // Sites are learnt once all of them are heard.
      return judgePlaced(archive, { placed }, { learns: false })
    }),
    Effect.provide(Listeners.layer({ count: workers, maxWholeBytes: maxRecordingMegabytes * 1e6 }))
  )
  return { known: archive.known, heard, skipped, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000 }
})
