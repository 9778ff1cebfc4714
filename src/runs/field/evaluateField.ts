import { Effect } from "effect"
import {
  type FieldEvaluation,
  headsInField,
  type ScoredPart
} from "../../classifier/evaluation/field/fieldEvaluation.ts"
import type { Judge } from "../../classifier/evaluation/field/fieldFigures.ts"
import type { Soundscape } from "../../classifier/evaluation/field/soundscape.ts"
import { openWindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import type { Cut } from "../../classifier/evaluation/outOfFold.ts"
import { fieldModel } from "../../classifier/export/onnx.ts"
import type { Split } from "../../classifier/split.ts"
import type { Backend } from "../../classifier/train/backend.ts"
import type { TrainedClassifier } from "../../classifier/train/train.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine } from "../../embedder/engine.ts"
import type { JointCorpus } from "../jointCorpus.ts"
import { fieldJudge, type JudgeSettings } from "./fieldJudge.ts"
import { keptOf } from "./trainField.ts"
import { makeWindows, trainWindows } from "./trainWindows.ts"

/** How the field is imitated, and so many seconds of it, or of annotated recordings, for each part. */
export type FieldSettings = Omit<JudgeSettings, "sampleRate" | "listenedSeconds">

/** A head, and what was trained for each cut. */
export interface TrainedHead {
  readonly head: string
  readonly classifiers: ReadonlyMap<Split, TrainedClassifier>
}

/** Which heads are tried in the field, and how. */
export interface FieldTest<E, R> {
  readonly corpus: JointCorpus
  /** Those of the first repeat that leave something out are the parts; each is heard by what was trained without it. */
  readonly cuts: ReadonlyArray<Cut>
  readonly heads: ReadonlyArray<TrainedHead>
  /** The class that events stand out from. */
  readonly background: string
  /** The embedder's scores, where it has any: the head `audioset` sees them. */
  readonly scores: Embedder["scores"]
  /** What trains the classifiers of windows. */
  readonly backend: Backend
  readonly settings: FieldSettings
  /** Is given each soundscape before its part is heard. */
  readonly onScene: (scene: Soundscape, part: string, at: number) => Effect.Effect<void, E, R>
  /** Runs after each piece of sound; `done` counts parts, and grows by fractions of one. */
  readonly onHeard: (done: number, total: number) => Effect.Effect<void>
}

/**
 * What each head hears of the sources that a cut left out, by the classifier that was trained without them: in annotated field
 * recordings, or, where these are too few, in soundscapes. Undefined where no part has both a background and events.
 */
export const evaluateField = Effect.fn("evaluateField")(function* <E, R>({
  corpus,
  cuts,
  heads,
  background,
  scores,
  backend,
  settings,
  onScene,
  onHeard
}: FieldTest<E, R>) {
  const { sampleRate, vectors } = (yield* Engine).frontEnd
  const { classes } = corpus.dataset
  const parts = cuts.filter(({ repeat, tested }) => repeat === 0 && tested.length > 0)
  const rows = parts.map(({ tested }) => tested)
  const judge = yield* fieldJudge(corpus, rows, background, {
    ...settings,
    sampleRate,
    listenedSeconds: settings.seconds
  })
  const heard = heads.map(({ head }) => ({ head, parts: [] as Array<ScoredPart> }))
  const deaf: Array<string> = []
  const unheard: Array<string> = []
  for (const [at, { split, part = `fold ${at + 1}` }] of parts.entries()) {
    const sound = yield* judge.soundOf(at)
    if (sound === undefined) {
      deaf.push(part)
      continue
    }
    yield* Effect.forEach(sound.scenes, (scene, number) => onScene(scene, part, number), { discard: true })
    const results = yield* Effect.gen(function* () {
      const made = yield* makeWindows(corpus, split, background)
      const classifiers = yield* Effect.forEach(heads, ({ classifiers: own }) =>
        Effect.gen(function* () {
          const clips = own.get(split)!
          const trained = made && (yield* trainWindows(made.windows, clips, scores, backend))
          const opened = yield* openWindowClassifier(
            fieldModel(trained ?? clips, vectors),
            classes,
            Object.values(vectors)
          )
          const kept = made && trained && (yield* keptOf(made.windows, trained))
          return { ...opened, kept, lasting: made?.lasting }
        })
      )
      return yield* sound.hear(classifiers, (done, total) => onHeard(at + done / total, parts.length))
    }).pipe(Effect.scoped)
    unheard.push(...results.unheard)
    for (const [which, { parts: into }] of heard.entries()) {
      into.push({ part, heard: results.heard.map((own) => own[which]!) })
    }
  }
  if (heard[0] === undefined || heard[0].parts.length === 0) return undefined
  const { snr, perHour } = settings
  return {
    snr,
    perHour,
    ...headsInField(heard, judge.bands, judge.name, (own) => judge.sweep(own, classes)),
    notes: [...judge.notes, ...unheard, ...(deaf.length === 0 ? [] : [deafTo(deaf, judge.name, background)])]
  } satisfies FieldEvaluation
})

const deafTo = (parts: ReadonlyArray<string>, judgedBy: Judge, background: string): string =>
  judgedBy === "recordings"
    ? `Without a recording that is annotated completely, nothing could be heard of ${parts.join(", ")}.`
    : `Without sound of "${background}" or of any other class, nothing could be heard of ${parts.join(", ")}.`
