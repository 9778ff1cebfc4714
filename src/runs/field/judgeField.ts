import { Clock, Effect, Option } from "effect"
import type { Classifier } from "../../classifier/classifier.ts"
import type { Dataset } from "../../classifier/dataset.ts"
import { COMPARED_RATE } from "../../classifier/evaluation/field/fieldEvaluation.ts"
import {
  compareFields,
  type FieldDifference,
  type FieldFigures,
  fieldFigures
} from "../../classifier/evaluation/field/fieldFigures.ts"
import { openWindowClassifier, type WindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import type { Lasting } from "../../classifier/events/confirmed.ts"
import { fieldModel } from "../../classifier/export/onnx.ts"
import type { KeptWindows } from "../../classifier/site/keptWindows.ts"
import { Settings } from "../../config/settings.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine, EngineError } from "../../embedder/engine.ts"
import { makeScanRecipe } from "../../embeddings/scans/scanRecipe.ts"
import type { Promoted } from "../../registry/pointer.ts"
import { backgroundOf, ofClass } from "../../store/className.ts"
import { Store } from "../../store/store.ts"
import { openWindowModel } from "../scan/windowModel.ts"
import { FIELD } from "./fieldDefaults.ts"
import { fieldJudge } from "./fieldJudge.ts"

/** What a run's model hears of the holdout: in its annotated field recordings, or in soundscapes made of it. */
export interface FieldJudgement {
  readonly figures: FieldFigures | undefined
  /** The same sound, heard by it and by the promoted model. */
  readonly difference: FieldDifference | undefined
  readonly seconds: number
  /** Why there is nothing, or what to know of it, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/** A classifier, and what judges it. */
interface Candidate {
  readonly classifier: Classifier
  /** What it learns sites by. */
  readonly kept: KeptWindows | undefined
  readonly lasting: Lasting | undefined
  readonly dataset: Dataset
  /** Rows of recordings held out, of which what judges is made. */
  readonly rows: ReadonlyArray<number>
  readonly embedder: Embedder
}

/** As many events as leave room between them: a run's soundscape is short. */
const PER_HOUR = 120
/** However few recordings there are, in minutes. */
const LEAST_MINUTES = 10

/**
 * Hears a candidate, and the promoted model, in field recordings that were held out and annotated completely; where these are
 * too few, in soundscapes made of the recordings held out. A corpus that has not changed is heard in the same sound. That it
 * cannot be done is said, and is no reason to lose a run.
 */
export const judgeField = Effect.fn("judgeField")(function* (
  candidate: Candidate,
  pointer: Option.Option<Promoted>,
  renamed: ReadonlyMap<string, string>,
  corpusSeconds: number
) {
  const { fieldMinutes } = yield* Settings
  if (fieldMinutes === 0) return silentJudgement()
  const background = backgroundOf(candidate.dataset.classes)
  if (background === undefined) {
    return silentJudgement(
      "Nothing says how the model hears in the field: that takes a class of background, named clips or background."
    )
  }
  const most = 60 * fieldMinutes
  const seconds = Math.min(most, Math.max(60 * LEAST_MINUTES, corpusSeconds))
  const began = yield* Clock.currentTimeMillis
  return yield* hearBoth(candidate, pointer, renamed, background, { most, seconds }).pipe(
    Effect.scoped,
    Effect.flatMap((heard) =>
      Effect.map(Clock.currentTimeMillis, (now): FieldJudgement => ({ ...heard, seconds: (now - began) / 1000 }))
    ),
    Effect.catch(({ message }) =>
      Effect.succeed(silentJudgement(`How the model hears in the field could not be judged: ${message}`))
    )
  )
})

const silentJudgement = (...notes: ReadonlyArray<string>): FieldJudgement => ({
  figures: undefined,
  difference: undefined,
  seconds: 0,
  notes
})

const hearBoth = Effect.fnUntraced(function* (
  { classifier, kept, lasting, dataset, rows, embedder }: Candidate,
  pointer: Option.Option<Promoted>,
  renamed: ReadonlyMap<string, string>,
  background: string,
  { most, seconds }: { readonly most: number; readonly seconds: number }
) {
  const { frontEnd } = yield* Engine
  const store = yield* Store
  const corpus = { dataset, locate: (key: string) => ({ store, key }) }
  const judge = yield* fieldJudge(corpus, [rows], background, {
    seconds,
    listenedSeconds: most,
    onlySoundscapes: false,
    sampleRate: frontEnd.sampleRate,
    perHour: PER_HOUR,
    snr: FIELD.snr,
    eventSeconds: () => FIELD.eventSeconds,
    seed: 0
  })
  const sound = yield* judge.soundOf(0)
  if (sound === undefined) {
    return silentJudgement(
      ...judge.notes,
      `Nothing says how the model hears in the field: no recording held out has sound of "${background}" and of another class.`
    )
  }
  const opened = yield* openWindowClassifier(
    fieldModel(classifier, frontEnd.vectors),
    classifier.classes,
    Object.values(frontEnd.vectors)
  )
  const own = { ...opened, kept, lasting }
  const other = Option.isNone(pointer) ? Option.none() : yield* promotedModel(pointer.value.runId, embedder, renamed)
  const models = [own, ...Option.toArray(other)]
  const { heard, unheard } = yield* sound.hear(models)
  const [sweeps, others] = models.map(({ classes }, which) =>
    judge.sweep(
      heard.map((piece) => piece[which]!),
      classes
    )
  )
  return {
    figures: fieldFigures(sweeps!, judge.bands, judge.name),
    difference: others === undefined ? undefined : compareFields(sweeps!, others, COMPARED_RATE),
    notes: [...judge.notes, ...unheard]
  }
})

/** The promoted version's model for windows; none where it cannot be compared. */
const promotedModel = Effect.fnUntraced(function* (
  runId: string,
  embedder: Embedder,
  renamed: ReadonlyMap<string, string>
) {
  const { precision } = yield* Settings
  return yield* openWindowModel(runId, makeScanRecipe(embedder, precision)).pipe(
    Effect.map(({ classes, kept, lasting, score }) =>
      underNames(
        {
          classes,
          kept,
          lasting,
          score: (windows) => Effect.mapError(score(windows), ({ message }) => new EngineError({ message }))
        },
        classes.map((name) => renamed.get(name) ?? name)
      )
    ),
    Effect.asSome,
    Effect.catchTag("VersionError", () => Effect.succeed(Option.none<WindowClassifier>()))
  )
})

/** The same by other names; what gets one name becomes one class. */
const underNames = (
  { classes, kept, lasting = {}, score }: WindowClassifier,
  names: ReadonlyArray<string>
): WindowClassifier => {
  const merged = [...new Set(names)]
  const places = names.map((name) => merged.indexOf(name))
  const renamed = merged.flatMap((name) => {
    const seconds = classes.flatMap((own, at) => (names[at] === name ? [ofClass(lasting, own) ?? 0] : []))
    return Math.min(...seconds) === 0 ? [] : [[name, Math.min(...seconds)] as const]
  })
  const shared = { classes: merged, lasting: Object.fromEntries(renamed) }
  if (merged.length === classes.length) return { ...shared, kept, score }
  return {
    ...shared,
    score: (windows) =>
      Effect.map(score(windows), (probabilities) => {
        const sums = new Float32Array(windows.count * merged.length)
        for (let at = 0; at < probabilities.length; at++) {
          sums[Math.floor(at / classes.length) * merged.length + places[at % classes.length]!]! += probabilities[at]!
        }
        return sums
      })
  }
}
