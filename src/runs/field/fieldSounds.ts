import { Effect, Option } from "effect"
import { type Dataset, DatasetError } from "../../classifier/dataset.ts"
import { loudestPart } from "../../classifier/evaluation/field/loudest.ts"
import type { FieldSound, SoundscapeSettings } from "../../classifier/evaluation/field/soundscape.ts"
import { Settings } from "../../config/settings.ts"
import { decodeClip } from "../../sound/decode/decode.ts"
import { seededRandom, shuffled } from "../../sound/random.ts"
import { spanOf } from "../../store/keys.ts"
import { isAbsence, Store } from "../../store/store.ts"
import { readRecording, type Unread, vanished } from "../../stream/readRecording.ts"
import type { JointCorpus } from "../jointCorpus.ts"

/** Recordings that soundscapes are made of, at most: memory holds them all. */
const MOST = { background: 300, events: 600 } as const
/** Seconds of a recording of background that are used. */
const BACKGROUND_SECONDS = 10

const nothing = () => Effect.succeed<ReadonlyArray<FieldSound>>([])

const failed = ({ reason }: Unread) => Effect.fail(new DatasetError({ message: reason }))

/** What soundscapes are made of. */
export interface FieldSounds {
  readonly backgrounds: ReadonlyArray<FieldSound>
  readonly events: ReadonlyArray<FieldSound>
}

/**
 * Fetches and decodes the recordings of these rows that soundscapes can be made of: the background class's, and all
 * others' loudest parts. Where they are many, as many sources as possible are heard. What is gone or cannot be read any
 * more is passed over.
 */
export const readFieldSounds = Effect.fn("readFieldSounds")(function* (
  { dataset, locate }: Pick<JointCorpus, "dataset" | "locate">,
  rows: ReadonlyArray<number>,
  background: string,
  { sampleRate, eventSeconds, seed }: Pick<SoundscapeSettings, "sampleRate" | "eventSeconds" | "seed">
) {
  const { clipMaxSeconds, fetchConcurrency } = yield* Settings
  const read = Effect.fnUntraced(function* (row: number) {
    const { key: name, className, group: source } = dataset.samples[row]!
    const { store, key } = locate(name)
    const maxSeconds = className === background ? Math.min(BACKGROUND_SECONDS, clipMaxSeconds) : clipMaxSeconds
    return yield* fetch(store, key).pipe(
      Effect.flatMap((bytes) => decodeClip(bytes, { maxSeconds, sampleRate })),
      Effect.map(({ samples }): ReadonlyArray<FieldSound> => {
        if (className === background) return [{ className, source, samples }]
        const part = loudestPart(samples, Math.round(eventSeconds(className) * sampleRate))
        return [{ className, source, samples: part.slice() }]
      }),
      Effect.catchTags({
        DecodeError: nothing,
        PrepareError: nothing,
        Vanished: nothing,
        Unread: failed,
        StoreError: (error) => (isAbsence(error) ? nothing() : Effect.fail(error))
      })
    )
  })
  const isQuiet = (row: number) => dataset.samples[row]!.className === background
  const quiet = spread(dataset, rows.filter(isQuiet), MOST.background, seed)
  const loud = spread(
    dataset,
    rows.filter((row) => !isQuiet(row)),
    MOST.events,
    seed
  )
  const [backgrounds, events] = yield* Effect.forEach([quiet, loud], (own) =>
    Effect.map(Effect.forEach(own, read, { concurrency: fetchConcurrency }), (sounds) => sounds.flat())
  )
  return { backgrounds: backgrounds!, events: events! } satisfies FieldSounds
})

/** A recording's bytes, or those of a clip that an annotation cuts out of one. */
const fetch = Effect.fnUntraced(function* (store: Store["Service"], key: string) {
  const span = spanOf(key)
  if (span === undefined) return (yield* store.get(key)).bytes
  const found = yield* store.find(span.recording)
  if (Option.isNone(found)) return yield* vanished(key)
  return (yield* readRecording({ ...found.value, key }).pipe(Effect.provideService(Store, store))).bytes
})

/** At most so many rows: the first of each source of each class, then the second ones, and so on. */
const spread = (
  { samples }: Dataset,
  rows: ReadonlyArray<number>,
  most: number,
  seed: number
): ReadonlyArray<number> => {
  const order = [...shuffled(rows.length, seededRandom(seed))].map((at) => rows[at]!)
  const taken = new Map<string, number>()
  return order
    .map((row) => {
      const { className, group } = samples[row]!
      const place = `${className}/${group}`
      const turn = taken.get(place) ?? 0
      taken.set(place, turn + 1)
      return { row, turn }
    })
    .sort((a, b) => a.turn - b.turn)
    .slice(0, most)
    .map(({ row }) => row)
}
