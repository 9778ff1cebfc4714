import { Effect } from "effect"
import {
  type FieldEvaluation,
  type HeardPart,
  headsInField,
  sweepClasses
} from "../../classifier/evaluation/field/fieldEvaluation.ts"
import type { Soundscape, SoundscapeSettings } from "../../classifier/evaluation/field/soundscape.ts"
import { bandsOf } from "../../classifier/evaluation/field/sweep.ts"
import { openWindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import type { Cut } from "../../classifier/evaluation/outOfFold.ts"
import { fieldModel } from "../../classifier/export/onnx.ts"
import type { Split } from "../../classifier/split.ts"
import { nativeBackend } from "../../classifier/train/nativeBackend.ts"
import type { TrainedClassifier } from "../../classifier/train/train.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine } from "../../embedder/engine.ts"
import type { JointCorpus } from "../jointCorpus.ts"
import { windowsOf } from "./fieldDefaults.ts"
import { readFieldSounds } from "./fieldSounds.ts"
import { hearListened } from "./hearListened.ts"
import { hearScene } from "./hearScene.ts"
import { notesOnSilence, readListened, shareOut, whyTooFew } from "./listened.ts"
import { makeScenes } from "./scenes.ts"
import { makeWindows, trainWindows } from "./trainWindows.ts"

/** How the field is imitated, and so many seconds of it, or of annotated recordings, for each part. */
export interface FieldSettings extends Omit<SoundscapeSettings, "sampleRate"> {
  /** Whether soundscapes are heard even where annotated recordings could be. */
  readonly onlySoundscapes: boolean
}

/** A head, and what was trained for each cut. */
export interface TrainedHead {
  readonly head: string
  readonly classifiers: ReadonlyMap<Split, TrainedClassifier>
}

/**
 * What each head hears of the sources that a cut left out, by the classifier that was trained without them: in annotated field
 * recordings, or, where these are too few, in soundscapes. Undefined where no part has both a background and events.
 * `onScene` is given each soundscape before it is heard, `onHeard` runs after.
 */
export const evaluateField = Effect.fn("evaluateField")(function* <E, R>(
  corpus: JointCorpus,
  cuts: ReadonlyArray<Cut>,
  heads: ReadonlyArray<TrainedHead>,
  background: string,
  scores: Embedder["scores"],
  settings: FieldSettings,
  onScene: (scene: Soundscape, part: string, at: number) => Effect.Effect<void, E, R>,
  onHeard: (done: number, total: number) => Effect.Effect<void>
) {
  const { frontEnd } = yield* Engine
  const { classes } = corpus.dataset
  const { sampleRate, vectors } = frontEnd
  const parts = cuts.filter(({ repeat, tested }) => repeat === 0 && tested.length > 0)
  const heard = heads.map(({ head }) => ({ head, parts: [] as Array<HeardPart> }))
  const deaf: Array<string> = []
  const unheard: Array<string> = []
  const listened = settings.onlySoundscapes
    ? parts.map(() => [])
    : yield* Effect.forEach(parts, ({ tested }) =>
        Effect.map(readListened(corpus, tested, background), (own) => shareOut(own, settings.seconds))
      )
  const tooFew = whyTooFew(listened.flat())
  const areAnnotated = tooFew === undefined
  for (const [at, { split, tested, part = `fold ${at + 1}` }] of parts.entries()) {
    const own = { ...settings, sampleRate, seed: settings.seed + at }
    const scenes = areAnnotated ? [] : makeScenes(yield* readFieldSounds(corpus, tested, background, own), own)
    if (scenes.length + (areAnnotated ? listened[at]!.length : 0) === 0) {
      deaf.push(part)
      continue
    }
    const results = yield* Effect.gen(function* () {
      const windows = yield* makeWindows(corpus, split, background)
      const classifiers = yield* Effect.forEach(heads, ({ classifiers: own }) =>
        Effect.gen(function* () {
          const clips = own.get(split)!
          const trained = windows && (yield* trainWindows(windows, clips, scores, nativeBackend))
          return yield* openWindowClassifier(fieldModel(trained ?? clips, vectors), classes, Object.values(vectors))
        })
      )
      const onPart = (done: number, total: number) => onHeard(at + done / total, parts.length)
      if (areAnnotated) {
        const { heard, unheard: own } = yield* hearListened(listened[at]!, classifiers, onPart)
        unheard.push(...own)
        return heard
      }
      return yield* Effect.forEach(scenes, (scene, number) =>
        onScene(scene, part, number).pipe(
          Effect.andThen(hearScene(scene, classifiers)),
          Effect.tap(() => onPart(number + 1, scenes.length))
        )
      )
    }).pipe(Effect.scoped)
    for (const [which, { parts: into }] of heard.entries()) {
      into.push({ part, heard: results.map((scene) => scene[which]!) })
    }
  }
  if (heard[0] === undefined || heard[0].parts.length === 0) return undefined
  const bands = areAnnotated ? [] : bandsOf(settings.snr)
  const times = windowsOf(frontEnd)
  const { snr, perHour } = settings
  return {
    snr,
    perHour,
    ...headsInField(heard, bands, areAnnotated ? "recordings" : "soundscapes", (own) =>
      sweepClasses(own, classes, background, times, bands)
    ),
    notes: [
      ...(areAnnotated ? notesOnSilence(listened.flat(), classes, background) : tooFew),
      ...unheard,
      ...(deaf.length === 0 ? [] : [deafTo(deaf, areAnnotated, background)])
    ]
  } satisfies FieldEvaluation
})

const deafTo = (parts: ReadonlyArray<string>, areAnnotated: boolean, background: string): string =>
  areAnnotated
    ? `Without a recording that is annotated completely, nothing could be heard of ${parts.join(", ")}.`
    : `Without sound of "${background}" or of any other class, nothing could be heard of ${parts.join(", ")}.`
