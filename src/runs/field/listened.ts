import { Effect } from "effect"
import type { TrueEvent } from "../../classifier/evaluation/field/soundscape.ts"
import { UNMEASURED_THRESHOLD } from "../../config/alarmRates.ts"
import { counted } from "../../config/inWords.ts"
import { Settings } from "../../config/settings.ts"
import { spanOf } from "../../store/keys.ts"
import { type ObjectInfo, Store } from "../../store/store.ts"
import { classesOf } from "../../stream/annotations/classes.ts"
import { lengthOf } from "../../stream/annotations/lengthOf.ts"
import { Problems } from "../../stream/annotations/problems.ts"
import { readSaid, type Said } from "../../stream/annotations/said.ts"
import { type Stretch, union } from "../../stream/annotations/spans.ts"
import type { JointCorpus } from "../jointCorpus.ts"

/** Sources with events, at least: of fewer, all may lean to one side by chance more often than one time in twenty. */
const LEAST_SOURCES = 5
/** One source in so many is held out. */
const ONE_IN = 5

/** A stretch of a field recording that somebody has listened to completely: all that is to be heard in it is known. */
export interface Listened extends Stretch {
  readonly store: Store["Service"]
  readonly recording: ObjectInfo
  /** As the split has it: the recording, unless GROUP_PATTERN says more. */
  readonly source: string
  /** Of the classes trained on; seconds from the stretch's own beginning. */
  readonly events: ReadonlyArray<TrueEvent>
}

/**
 * What has been listened to of the recordings that these rows' clips were cut out of, by the tables that say so: whole
 * recordings, and stretches that are longer than a clip. Where no clip was cut out of any, nothing is read.
 */
export const readListened = Effect.fn("readListened")(function* (
  { dataset, locate }: Pick<JointCorpus, "dataset" | "locate">,
  rows: ReadonlyArray<number>,
  background: string
) {
  const cut = rows.flatMap((row) => {
    const { key, group } = dataset.samples[row]!
    const { store, key: own } = locate(key)
    const span = spanOf(own)
    return span === undefined ? [] : [{ store, recording: span.recording, source: group }]
  })
  const classes = dataset.classes.filter((name) => name !== background)
  const found = yield* Effect.forEach(
    Map.groupBy(cut, ({ store }) => store),
    ([store, own]) => listenedIn(store, new Map(own.map(({ recording, source }) => [recording, source])), classes)
  )
  return found.flat()
})

/** Of one store, by the recordings and their sources. */
const listenedIn = Effect.fnUntraced(
  function* (store: Store["Service"], sources: ReadonlyMap<string, string>, classes: ReadonlyArray<string>) {
    const { annotationsComplete, clipMaxSeconds } = yield* Settings
    // What tables have wrong is told where they are trained on.
    const { said } = yield* readSaid(new Problems())
    const classNamed = classesOf(classes, false)
    const own = yield* Effect.forEach(
      said.filter(({ recording }) => sources.has(recording.key)),
      Effect.fnUntraced(function* (one) {
        const seconds = (yield* lengthOf(one.recording)) ?? Number.POSITIVE_INFINITY
        const source = sources.get(one.recording.key)!
        const isWhole = one.isComplete || annotationsComplete
        return stretchesOf(one, isWhole ? undefined : clipMaxSeconds, seconds).map(
          (stretch): Listened => ({
            ...stretch,
            store,
            recording: one.recording,
            source,
            events: eventsIn(stretch, one, source, classNamed)
          })
        )
      })
    )
    return own.flat().sort((a, b) => (a.recording.key < b.recording.key ? -1 : 1))
  },
  (effect, store) => Effect.provideService(effect, Store, store)
)

/** All of a recording, or what is longer than a clip of what tables name. */
const stretchesOf = ({ complete }: Said, longerThan: number | undefined, seconds: number): ReadonlyArray<Stretch> =>
  longerThan === undefined
    ? [{ start: 0, end: seconds }]
    : union(complete)
        .map(({ start, end }) => ({ start, end: Math.min(end, seconds) }))
        .filter(({ start, end }) => end - start > longerThan)

/** What several rows say of one class is one event. */
const eventsIn = (
  stretch: Stretch,
  { annotations }: Said,
  source: string,
  classNamed: (label: string) => string | undefined
): ReadonlyArray<TrueEvent> =>
  [...Map.groupBy(annotations, ({ label }) => classNamed(label))]
    .flatMap(([name, own]) =>
      name === undefined ? [] : union(own).map((event) => ({ ...event, class: name, source }))
    )
    .map((event) => ({ ...event, start: event.start - stretch.start, end: event.end - stretch.start }))
    .filter(({ start, end }) => end >= 0 && start < stretch.end - stretch.start)

/**
 * As much of each stretch as leaves room for all others in so many seconds: short ones whole, of the longer ones the same.
 */
export const shareOut = (listened: ReadonlyArray<Listened>, seconds: number): ReadonlyArray<Listened> => {
  const most = evenShare(
    listened.map(({ start, end }) => end - start),
    seconds
  )
  return listened.map((one) => ({
    ...one,
    end: Math.min(one.end, one.start + most),
    events: one.events.filter(({ start }) => start < most)
  }))
}

/** What each may have at most, so that all together have no more than `total`. */
const evenShare = (wanted: ReadonlyArray<number>, total: number): number => {
  let left = total
  for (const [at, own] of wanted.toSorted((a, b) => a - b).entries()) {
    const share = left / (wanted.length - at)
    if (own > share) return share
    left -= own
  }
  return Number.POSITIVE_INFINITY
}

/** Why these are too few to judge, in sentences, where there are any; undefined where they can. */
export const whyTooFew = (listened: ReadonlyArray<Listened>): ReadonlyArray<string> | undefined => {
  const sources = new Set(listened.flatMap(({ events, source }) => (events.length > 0 ? [source] : []))).size
  if (sources >= LEAST_SOURCES) return undefined
  if (listened.length === 0) return []
  return [
    "Soundscapes judge how the model hears in the field, and not annotated recordings: of those held out and listened to " +
      `completely, ${counted(sources, "source has", "sources have")} events, and it takes ${LEAST_SOURCES}, about ${LEAST_SOURCES * ONE_IN} in all.`
  ]
}

/** The classes of which nothing is annotated in what judges, in a sentence. */
export const notesOnSilence = (
  listened: ReadonlyArray<Listened>,
  classes: ReadonlyArray<string>,
  background: string
): ReadonlyArray<string> => {
  const heard = new Set(listened.flatMap(({ events }) => events.map((event) => event.class)))
  const silent = classes.filter((name) => name !== background && !heard.has(name))
  return silent.length === 0
    ? []
    : [
        `Nothing says how much of ${silent.join(", ")} is found in the field: the annotated recordings held out have none of it. ` +
          `Scans tell it from ${UNMEASURED_THRESHOLD}, or from where it was heard there no more often than --alarms allows, which may be higher.`
      ]
}
