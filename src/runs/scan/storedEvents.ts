import { Effect, Stream } from "effect"
import type { Event } from "../../classifier/events/event.ts"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { siteOf } from "../../store/keys.ts"
import { judgedBy, readPart } from "./eventParts.ts"
import type { PlacedRecording } from "./fieldRecordings.ts"
import { judgedAnew } from "./scanError.ts"

/** Parts of events read at once. */
const READ_AT_ONCE = 16

/**
 * What a version heard in these recordings by these settings, recording by recording. A part that cannot be read is passed
 * over with a warning: the next scan writes it again where it is removed.
 */
export const eventsOf = (runId: string, settings: EventSettings, recordings: ReadonlyArray<PlacedRecording>) =>
  Stream.unwrap(
    Effect.map(judgedBy(runId), (judged) =>
      Stream.fromIterable(recordings).pipe(
        Stream.mapEffect(
          Effect.fnUntraced(function* ({ recording: { contentHash }, key }) {
            const part = judged.partOf(contentHash, key, settings)
            if (part !== undefined) return yield* readEvents(part)
            if (judged.partsOf(contentHash).length > 0) return yield* judgedAnew(key)
            // Nothing is written of one whose windows were lost meanwhile.
            return []
          }),
          { concurrency: READ_AT_ONCE }
        ),
        Stream.flattenIterable
      )
    )
  )

const readEvents = (part: string) =>
  readPart(part).pipe(
    Effect.catchTag("PartError", ({ message }) =>
      Effect.as(Effect.logWarning(`${message} It is passed over.`), [] as ReadonlyArray<Event>)
    )
  )

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
