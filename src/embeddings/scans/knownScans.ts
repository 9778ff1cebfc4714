import { type Sighting, type Version, versionName } from "../sighting.ts"
import type { ScannedRecording } from "./scannedRecording.ts"
import type { SegmentRow } from "./windowPart.ts"

/** Where consecutive windows of a recording lie. */
export interface SegmentPlace {
  /** The part's key. */
  readonly part: string
  /** The segment's place in it. */
  readonly row: number
  /** The first of them to take, by its place in the recording, */
  readonly first: number
  /** how many to take, */
  readonly count: number
  /** and how many of the segment's come before. */
  readonly skip: number
}

/** Which field recordings were heard, how far, and where their windows' vectors lie. */
export class KnownScans {
  readonly #segments = new Map<string, Array<SegmentPlace>>()
  readonly #ended = new Map<string, Array<ScannedRecording>>()
  readonly #contents = new Map<string, string>()
  readonly #keys = new Map<string, Array<string>>()
  readonly #heard = new Map<string, ScannedRecording>()
  readonly #looks = new Set<string>()
  #isSettled = true

  /** @param earlier What was heard of fewer vectors: each is of one vector less than the one before it. */
  constructor(readonly earlier: ReadonlyArray<KnownScans> = []) {}

  /** Remembers the segments of a part. */
  add(part: string, rows: ReadonlyArray<SegmentRow>): void {
    this.#isSettled = false
    for (const [row, { first, count, recording, ...version }] of rows.entries()) {
      const name = versionName(version)
      listIn(this.#segments, name).push({ part, row, first, count, skip: 0 })
      if (recording !== "") listIn(this.#ended, name).push(recording)
    }
  }

  /** Remembers where bytes lay. */
  see(sighting: Omit<Sighting, "size">): void {
    this.#see(sighting)
    for (const known of this.earlier) known.see(sighting)
  }

  #see({ key, etag, contentHash }: Omit<Sighting, "size">): void {
    if (etag !== "") this.#contents.set(versionName({ key, etag }), contentHash)
    listIn(this.#keys, contentHash).push(key)
  }

  /** Where a content was ever seen. */
  keysOf(contentHash: string): ReadonlyArray<string> {
    this.#settle()
    const own = this.#keys.get(contentHash) ?? []
    return [...new Set([...own, ...this.earlier.flatMap((known) => known.keysOf(contentHash))])]
  }

  /** Recordings that were heard to their end and whose windows are all there, by content (hex SHA-256). */
  get recordings(): ReadonlyMap<string, ScannedRecording> {
    this.#settle()
    return this.#heard
  }

  /** Recordings of which only the first ones of the vectors are stored. */
  get recordingsBefore(): ReadonlyArray<ScannedRecording> {
    const known = [this, ...this.earlier]
    return this.earlier.flatMap(({ recordings }, lacking) =>
      [...recordings.values()].filter(
        ({ contentHash }) => !known.slice(0, lacking + 1).some((more) => more.recordings.has(contentHash))
      )
    )
  }

  /** How many of the last vectors are not stored of a recording. */
  lackingOf(recording: ScannedRecording): number {
    return Math.max(
      0,
      [this, ...this.earlier].findIndex(({ recordings }) => recordings.get(recording.contentHash) === recording)
    )
  }

  /** The content of an object of which only the first ones of the vectors are stored. */
  contentBefore(version: Version): string | undefined {
    if (this.contentOf(version) !== undefined) return undefined
    return this.earlier.map((known) => known.contentOf(version)).find((contentHash) => contentHash !== undefined)
  }

  /** The content of an object that was heard, or seen to be a copy of one; undefined where its bytes must be read to know. */
  contentOf(version: Version): string | undefined {
    this.#settle()
    const contentHash = this.#contents.get(versionName(version))
    return contentHash !== undefined && this.#heard.has(contentHash) ? contentHash : undefined
  }

  /** How many windows, from the first on, are stored of an object in this version. */
  windowsOf(version: Version): number {
    return this.#placesOf(version).reduce((sum, { count }) => sum + count, 0)
  }

  /** Where the windows of a recording lie, in their order. */
  placesOf(recording: ScannedRecording): ReadonlyArray<SegmentPlace> {
    const lacking = this.lackingOf(recording)
    return lacking === 0 ? this.#placesOf(recording) : this.earlier[lacking - 1]!.placesOf(recording)
  }

  /** Whether a recording that was heard has this size and these first bytes, so that another may be a copy of it. */
  resembles(like: Pick<ScannedRecording, "size" | "beginning">): boolean {
    this.#settle()
    return this.#looks.has(lookOf(like))
  }

  /** Segments from the first window on, each continuing the one before: what was heard twice is taken once. */
  #placesOf(version: Version): ReadonlyArray<SegmentPlace> {
    const places: Array<SegmentPlace> = []
    let next = 0
    const stored = this.#segments.get(versionName(version)) ?? []
    for (const place of stored.toSorted((a, b) => a.first - b.first || b.count - a.count)) {
      const skip = next - place.first
      if (skip < 0) break
      if (skip >= place.count) continue
      places.push({ ...place, first: next, count: place.count - skip, skip })
      next = place.first + place.count
    }
    return places
  }

  #settle(): void {
    if (this.#isSettled) return
    for (const recordings of this.#ended.values()) {
      for (const recording of recordings) {
        // Not where a part is lost: then it is heard again.
        if (this.#heard.has(recording.contentHash) || this.windowsOf(recording) < recording.windows) continue
        this.#heard.set(recording.contentHash, recording)
        this.#looks.add(lookOf(recording))
        this.#see(recording)
      }
    }
    this.#isSettled = true
  }
}

const lookOf = ({ size, beginning }: Pick<ScannedRecording, "size" | "beginning">): string => `${size} ${beginning}`

const listIn = <A>(lists: Map<string, Array<A>>, name: string): Array<A> => {
  const list = lists.get(name) ?? []
  lists.set(name, list)
  return list
}
