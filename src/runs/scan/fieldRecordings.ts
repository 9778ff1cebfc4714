import { Effect, Stream } from "effect"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { FIELD_PREFIX, isFieldRecording, siteOf } from "../../store/keys.ts"
import { type ObjectInfo, Store } from "../../store/store.ts"

/** Which field recordings. */
export interface Selection {
  /** Those of one site; of all unless said. */
  readonly site?: string | undefined
  /** Those that start at this instant or later, by their recorder's clock, and those that do not tell; ISO 8601. */
  readonly since?: string | undefined
}

/** Whether a recording that lies at `key` is meant, as far as it is known when it starts. */
export const isMeant = ({ site, since }: Selection, key: string, startedAt: string | undefined): boolean =>
  (site === undefined || siteOf(key) === site) &&
  (since === undefined || startedAt === undefined || Date.parse(startedAt) >= Date.parse(since))

/** The field recordings of a site, or all, in the order of their keys. */
export const listField = Effect.fn("listField")(function* ({ site }: Selection) {
  const store = yield* Store
  return yield* store
    .list(site === undefined ? FIELD_PREFIX : `${FIELD_PREFIX}${site}/`)
    .pipe(Stream.filter(isFieldRecording), Stream.runCollect)
})

/** A recording that was heard, and where it lies now. */
export interface PlacedRecording {
  readonly recording: ScannedRecording
  readonly key: string
}

/**
 * The recordings that were heard, where they lie now: those that lie nowhere any more where they did, and copies under the
 * first of their keys; in the order of their keys.
 */
export const placeRecordings = (
  known: KnownScans,
  objects: ReadonlyArray<ObjectInfo>,
  selection: Selection
): ReadonlyArray<PlacedRecording> => {
  const keys = new Map<string, string>()
  for (const object of objects) {
    const contentHash = known.contentOf(object)
    if (contentHash !== undefined && !keys.has(contentHash)) keys.set(contentHash, object.key)
  }
  return [...known.recordings.values()]
    .map((recording) => ({ recording, key: keys.get(recording.contentHash) ?? recording.key }))
    .filter(({ recording, key }) => isMeant(selection, key, recording.facts.startedAt))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}
