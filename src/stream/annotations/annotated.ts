import { Effect } from "effect"
import { Settings } from "../../config/settings.ts"
import { BACKGROUND, backgroundOf, CLASS_NAME_RULE } from "../../store/className.ts"
import { type Span, spanKey } from "../../store/keys.ts"
import { sha256 } from "../../store/sha256.ts"
import type { ObjectInfo } from "../../store/store.ts"
import { type Classes, classesOf, mayBeNewClass } from "./classes.ts"
import { lengthOf } from "./lengthOf.ts"
import { type AnnotationReport, Problems } from "./problems.ts"
import { beyondEnd } from "./rules.ts"
import { type Placed, readSaid, type Said } from "./said.ts"
import { cutBackground, cutClips, type Stretch, WINDOW } from "./spans.ts"

/** Seconds of a clip of background, at most: about as long as others are. */
const BACKGROUND_PIECE = 4
/** Recordings whose headers are read at once. */
const CONCURRENCY = 16

/** The clips that annotations cut out of field recordings, as objects of the corpus, and what the tables came to. */
export interface Annotated {
  /** Each with its recording's version and size, under a span's key. */
  readonly objects: ReadonlyArray<ObjectInfo>
  readonly report: AnnotationReport
}

/**
 * Reads all tables of annotations and cuts field recordings into clips by them; of the recordings it reads headers alone.
 *
 * A label means one of `known`, the classes that have clips; any may be new where there are fewer than two of these, or
 * ALLOW_NEW_CLASSES says so. Of what was listened to and is not annotated, as many pieces are clips of background as there
 * are clips of all other classes, and all that was listened to piece by piece. What cannot be used is a problem in the report.
 */
export const annotatedClips = Effect.fn("annotatedClips")(function* (known: ReadonlySet<string>) {
  const settings = yield* Settings
  const problems = new Problems()
  const { said, tables } = yield* readSaid(problems)
  const mayBeNew = known.size < 2 || settings.allowNewClasses
  const background = backgroundOf([...known]) ?? BACKGROUND
  const classes = classesOf([...known, background], mayBeNew)
  const cut = yield* Effect.forEach(
    said,
    Effect.fnUntraced(function* (one) {
      const seconds = yield* lengthOf(one.recording)
      const isComplete = one.isComplete || settings.annotationsComplete
      return cutRecording({ ...one, isComplete }, seconds, settings.clipMaxSeconds, classes, background, problems)
    }),
    { concurrency: CONCURRENCY }
  )
  const clips = cut.flatMap((one) => one.clips)
  const quiet = [
    ...cut.flatMap((one) => one.listened),
    ...drawn(
      cut.flatMap((one) => one.quiet),
      clips.length
    )
  ]
  const overlapping = cut.flatMap((one) => one.overlapping)
  const objectOf = ({ span, recording: { etag, size } }: Clip): ObjectInfo => ({
    key: spanKey(span),
    // Clips that were cut at another loudness are cut anew.
    etag: etag === "" ? "" : `as loud as clips ${etag}`,
    size
  })
  const objects = new Map(
    inOrder([...clips, ...quiet])
      .map(objectOf)
      .map((object) => [object.key, object])
  )
  return {
    objects: [...objects.values()],
    report: {
      tables,
      recordings: said.length,
      annotations: said.reduce((sum, { annotations }) => sum + annotations.length, 0),
      clips: Object.fromEntries(
        [...Map.groupBy(clips, ({ span }) => span.className)].map(([name, own]) => [name, own.length])
      ),
      background: quiet.length,
      overlapping: {
        stretches: overlapping.length,
        seconds: overlapping.reduce((sum, { start, end }) => sum + end - start, 0)
      },
      problems: problems.all
    }
  } satisfies Annotated
})

/** A span to be, and the recording that it is of. */
interface Clip {
  readonly span: Span
  readonly recording: ObjectInfo
}

const cutRecording = (
  { recording, annotations, complete, isComplete }: Said,
  seconds: number | undefined,
  longest: number,
  classes: Classes,
  background: string,
  problems: Problems
) => {
  const within = annotations.filter((annotation) => isWithin(annotation, seconds, problems))
  const labelled = within.map((annotation) => {
    const className = classes(annotation.label)
    if (className === undefined) problems.add(annotation.table, unknownClass(annotation.label), annotation.row)
    return { start: annotation.start, end: Math.min(annotation.end, seconds ?? annotation.end), className }
  })
  const { clips, overlapping } = cutClips(labelled, { window: WINDOW, longest, seconds })
  const clipOf = ({ start, end }: Stretch, className: string): Clip => ({
    recording,
    span: { recording: recording.key, start, end, className }
  })
  const piecesOf = (stretches: ReadonlyArray<Stretch>) =>
    cutBackground(stretches, labelled, { window: WINDOW, piece: BACKGROUND_PIECE }).map((one) =>
      clipOf(one, background)
    )
  const known = complete
    .filter((stretch) => isWithin(stretch, seconds, problems))
    .map(({ start, end }) => ({ start, end: Math.min(end, seconds ?? end) }))
  // Where it does not tell where it ends, as far as there is something annotated.
  const whole = { start: 0, end: seconds ?? Math.max(0, ...labelled.map(({ end }) => end)) }
  const isShort = ({ start, end }: Stretch) => end - start <= longest
  return {
    clips: clips.map((clip) => clipOf(clip, clip.className)),
    listened: piecesOf(known.filter(isShort)),
    quiet: piecesOf(isComplete ? [whole] : known.filter((stretch) => !isShort(stretch))),
    overlapping
  }
}

const isWithin = (placed: Placed, seconds: number | undefined, problems: Problems): boolean => {
  const reason = seconds === undefined ? undefined : beyondEnd(placed, seconds)
  if (seconds === undefined || reason === undefined) return true
  problems.add(placed.table, reason, placed.row)
  return placed.start < seconds
}

const unknownClass = (label: string): string =>
  mayBeNewClass(label)
    ? `"${label}" is no class that has recordings: correct it, or set ALLOW_NEW_CLASSES=1 to train it as a new one.`
    : `"${label}" is no class that has recordings, and cannot be a new one: correct it. ${CLASS_NAME_RULE}`

/** Each recording's clips after each other, as one pass over it meets them. */
const inOrder = (clips: ReadonlyArray<Clip>): ReadonlyArray<Clip> =>
  [...Map.groupBy(clips, ({ span }) => span.recording).values()].flatMap((own) =>
    own.sort((a, b) => a.span.start - b.span.start)
  )

/** So many clips, the same ones again where there are more to choose from: by a hash of their names. */
const drawn = (clips: ReadonlyArray<Clip>, count: number): ReadonlyArray<Clip> =>
  clips
    .map((clip) => ({ clip, draw: sha256(spanKey(clip.span)) }))
    .sort((a, b) => (a.draw < b.draw ? -1 : 1))
    .slice(0, count)
    .map(({ clip }) => clip)
