import { Effect, Stream } from "effect"
import { confirmedEvents } from "../../classifier/events/confirmed.ts"
import type { HeardEvent, WindowTimes } from "../../classifier/events/event.ts"
import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { columnsOf } from "../../classifier/site/keptWindows.ts"
import { corrected, type SiteCorrection } from "../../classifier/site/siteCorrection.ts"
import { copyWindows, vectorsIn } from "../../embeddings/scans/coding.ts"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { type ScanRecipe, sizesOf, windowTimes } from "../../embeddings/scans/scanRecipe.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { backgroundOf, ofClass } from "../../store/className.ts"
import { emptyBlock, SCORED_WINDOWS, type WindowModel } from "./windowModel.ts"

/** The events in the windows of one recording: none of the background, unless a threshold names it. */
export const toldEvents = (
  probabilities: Float32Array,
  { classes, lasting }: Pick<WindowModel, "classes" | "lasting">,
  times: WindowTimes,
  seconds: number,
  settings: EventSettings
): ReadonlyArray<HeardEvent> => {
  const quiet = backgroundOf(classes)
  return confirmedEvents(probabilities, classes, times, seconds, settings, lasting).filter(
    (event) => event.class !== quiet || ofClass(settings.perClass, quiet) !== undefined
  )
}

/** What a model heard in a recording. */
export interface Judged {
  readonly recording: ScannedRecording
  readonly events: ReadonlyArray<HeardEvent>
}

/**
 * The events that a model hears in recordings, from their stored vectors, in this order.
 *
 * Windows are scored in blocks that begin at multiples of their size in the recording, so that the same vectors give the
 * same bits, whichever parts they lie in. There are no events of the background, unless a threshold names it.
 */
export const judgeRecordings = (
  recipe: ScanRecipe,
  known: KnownScans,
  model: WindowModel,
  settings: EventSettings,
  recordings: Iterable<ScannedRecording>,
  correctionOf: (recording: ScannedRecording) => SiteCorrection | undefined = () => undefined
) => {
  const { classes, score, kept } = model
  const sizes = sizesOf(recipe)
  const times = windowTimes(recipe)
  let block = emptyBlock(sizes)
  let recording: ScannedRecording | undefined
  let probabilities = new Float32Array()
  let done = 0

  const scoreBlock = Effect.fnUntraced(function* (windows: number) {
    const heard = yield* score(block)
    const correction = kept && correctionOf(recording!)
    const scores = correction
      ? corrected(correction, {
          windows: columnsOf(block, recipe.parts.embedder.vectors, kept.vectors),
          probabilities: heard
        })
      : heard
    probabilities.set(scores.subarray(0, windows * classes.length), (done - windows) * classes.length)
  })

  return Stream.unwrap(
    Effect.map(Scans, (scans) =>
      scans.load(recipe, known, recordings).pipe(
        Stream.mapEffect(
          Effect.fnUntraced(function* ({ recording: own, first, segment, from, to }) {
            if (first === 0) {
              recording = own
              const vectors = vectorsIn(segment.windows)
              if (vectors !== vectorsIn(block)) block = emptyBlock(sizes.slice(0, vectors))
              probabilities = new Float32Array(own.windows * classes.length)
              done = 0
            }
            // Of one whose part was lost meanwhile the rest says nothing.
            if (recording !== own || first !== done) return []
            for (let at = from; at < to; ) {
              const filled = done % SCORED_WINDOWS
              const taken = Math.min(to - at, SCORED_WINDOWS - filled)
              copyWindows(segment.windows, sizes.slice(0, vectorsIn(block)), at, at + taken, block, filled)
              at += taken
              done += taken
              if (filled + taken === SCORED_WINDOWS || done === own.windows) yield* scoreBlock(filled + taken)
            }
            if (done < own.windows) return []
            const events = toldEvents(probabilities, model, times, own.seconds, settings)
            return [{ recording: own, events } satisfies Judged]
          })
        ),
        Stream.flattenIterable
      )
    )
  )
}
