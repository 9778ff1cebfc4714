import { Stream } from "effect"
import { spanOf } from "../../store/keys.ts"
import type { ObjectInfo } from "../../store/store.ts"
import { PART_RECORDINGS } from "../../stream/embed.ts"

// What one worker embeds at a time: recordings that lie next to each other in the listing, about as much work each.

/** What a shard may hold at most, each at least one recording. */
export interface ShardLimits {
  readonly recordings: number
  readonly bytes: number
  /** Seconds of audio that are used. */
  readonly seconds: number
}

/** A quarter of a minute's work of two cores, and one part; a death costs no more than this. */
const WHOLE: ShardLimits = { recordings: PART_RECORDINGS, bytes: 256_000_000, seconds: 600 }
/** Shards that a small corpus is cut into, so that several workers have something to do. */
const LEAST_SHARDS = 32
const LEAST_RECORDINGS = 4

/** The limits for a run with so many recordings to embed. */
export const limitsFor = (toEmbed: number): ShardLimits => {
  const share = Math.ceil(toEmbed / LEAST_SHARDS)
  return { ...WHOLE, recordings: Math.min(WHOLE.recordings, Math.max(LEAST_RECORDINGS, share)) }
}

// Bytes of a second of sound where nobody has looked inside: 32 kHz mono of 16 bits, half of it as FLAC, 64 kbit/s for
// all else.
const BYTES_PER_SECOND: Readonly<Record<string, number>> = { wav: 64_000, wave: 64_000, aif: 64_000, flac: 32_000 }
const COMPRESSED = 8_000

/** About how many seconds of a recording are used, from its size and ending; nothing is fetched for it. */
export const estimateSeconds = ({ key, size }: Pick<ObjectInfo, "key" | "size">, clipMaxSeconds: number): number => {
  const span = spanOf(key)
  if (span !== undefined) return span.end - span.start
  const ending = /\.([^./]+)$/.exec(key)?.[1]?.toLowerCase() ?? ""
  return Math.min(clipMaxSeconds, size / (BYTES_PER_SECOND[ending] ?? COMPRESSED))
}

interface Open {
  readonly objects: ReadonlyArray<ObjectInfo>
  readonly bytes: number
  readonly seconds: number
}

/** Cuts a listing into shards, in order: each as full as the limits allow, none empty. */
export const cutShards =
  (limits: ShardLimits, clipMaxSeconds: number) =>
  <E, R>(objects: Stream.Stream<ObjectInfo, E, R>): Stream.Stream<ReadonlyArray<ObjectInfo>, E, R> =>
    objects.pipe(
      Stream.mapAccum(
        (): Open => ({ objects: [], bytes: 0, seconds: 0 }),
        (open, object): [Open, Array<ReadonlyArray<ObjectInfo>>] => {
          const seconds = estimateSeconds(object, clipMaxSeconds)
          const fits =
            open.objects.length < limits.recordings &&
            open.bytes + object.size <= limits.bytes &&
            open.seconds + seconds <= limits.seconds
          return open.objects.length === 0 || fits
            ? [
                {
                  objects: [...open.objects, object],
                  bytes: open.bytes + object.size,
                  seconds: open.seconds + seconds
                },
                []
              ]
            : [{ objects: [object], bytes: object.size, seconds }, [open.objects]]
        },
        { onHalt: ({ objects }): Array<ReadonlyArray<ObjectInfo>> => (objects.length === 0 ? [] : [objects]) }
      )
    )

/** A piece of a shard's file: the recordings `from` to `to`, exclusive. */
export interface ShardRange {
  readonly file: string
  readonly from: number
  readonly to: number
}

/** The two halves of a range of two recordings or more. */
export const halves = ({ file, from, to }: ShardRange): readonly [ShardRange, ShardRange] => {
  const middle = (from + to + 1) >> 1
  return [
    { file, from, to: middle },
    { file, from: middle, to }
  ]
}
