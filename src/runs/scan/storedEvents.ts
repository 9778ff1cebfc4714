import { Effect, Stream } from "effect"
import type { Event } from "../../classifier/events/event.ts"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { orAside } from "../../embeddings/parts.ts"
import { eventsPrefix, siteOf } from "../../store/keys.ts"
import { isAbsence } from "../../store/store.ts"
import { judgedBy, readPart } from "./eventParts.ts"
import type { PlacedRecording } from "./fieldRecordings.ts"
import { type Archive, judgePlaced } from "./judgePlaced.ts"
import { judgedAnew } from "./scanError.ts"

/** Parts of events read at once. */
const READ_AT_ONCE = 16

/**
 * What a version heard in these recordings by these settings, recording by recording. A part that is damaged is set aside, and
 * its recording judged anew where an archive is given, else by the next scan.
 */
export const eventsOf = (
  runId: string,
  settings: EventSettings,
  recordings: ReadonlyArray<PlacedRecording>,
  archive?: Archive
) =>
  Stream.unwrap(
    Effect.map(judgedBy(runId), (judged) =>
      Stream.fromIterable(recordings).pipe(
        Stream.mapEffect(
          Effect.fnUntraced(function* (placed) {
            const { contentHash } = placed.recording
            const part = judged.partOf(contentHash, placed.key, settings)
            if (part !== undefined) return yield* readEvents(runId, part, placed, archive)
            if (judged.partsOf(contentHash).length > 0) return yield* judgedAnew(placed.key)
            // Nothing is written of one whose windows were lost meanwhile.
            return []
          }),
          { concurrency: READ_AT_ONCE }
        ),
        Stream.flattenIterable
      )
    )
  )

const readEvents = (runId: string, part: string, placed: PlacedRecording, archive: Archive | undefined) => {
  const none = Effect.succeed<ReadonlyArray<Event>>([])
  const anew = (own: Archive) =>
    Effect.andThen(judgePlaced(own, { placed: [placed] }, { learns: false }), readPart(part)).pipe(
      // Of one whose windows were lost as well nothing is written.
      Effect.catchTag("StoreError", (lost) => (isAbsence(lost) ? none : Effect.fail(lost)))
    )
  const instead = archive === undefined ? none : anew(archive)
  return readPart(part).pipe(orAside(eventsPrefix(runId), "a scan judges its recording anew", instead))
}

/** Events by site, and of each by class. */
export type EventCounts = ReadonlyMap<string, ReadonlyMap<string, number>>

/** How many of these events there are of each class, site by site; none of a site without. */
export const countEvents = Effect.fnUntraced(function* <E, R>(events: Stream.Stream<Event, E, R>) {
  const counts = new Map<string, Map<string, number>>()
  yield* Stream.runForEach(events, (event) =>
    Effect.sync(() => {
      const own = counts.getOrInsertComputed(siteOf(event.recording), () => new Map<string, number>())
      own.set(event.class, (own.get(event.class) ?? 0) + 1)
    })
  )
  return counts satisfies EventCounts
})
