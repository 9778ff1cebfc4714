import { Effect } from "effect"
import { sweepClasses } from "../../classifier/evaluation/field/fieldEvaluation.ts"
import type { Judge } from "../../classifier/evaluation/field/fieldFigures.ts"
import type { Soundscape, SoundscapeSettings } from "../../classifier/evaluation/field/soundscape.ts"
import { bandsOf, type ScoredRecording } from "../../classifier/evaluation/field/sweep.ts"
import type { WindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import { Engine } from "../../embedder/engine.ts"
import type { JointCorpus } from "../jointCorpus.ts"
import { correctSites } from "./correctSites.ts"
import { windowsOf } from "./fieldDefaults.ts"
import { readFieldSounds } from "./fieldSounds.ts"
import { hearListened } from "./hearListened.ts"
import { hearScene } from "./hearScene.ts"
import { type Listened, notesOnSilence, readListened, shareOut, whyTooFew } from "./listened.ts"
import { makeScenes } from "./scenes.ts"

/** How much sound judges, and how soundscapes are made where they do. */
export interface JudgeSettings extends SoundscapeSettings {
  /** Seconds of each part's annotated recordings at most. */
  readonly listenedSeconds: number
  /** Whether soundscapes judge even where annotated recordings could. */
  readonly onlySoundscapes: boolean
}

/** Is told how many pieces of a part's sound were heard. */
type OnHeard = (done: number, total: number) => Effect.Effect<void>

/**
 * What judges how classifiers hear in the field: of the recordings that these rows' clips were cut out of, part by part, those
 * that were annotated completely, or, where in all parts together these are too few, soundscapes made of the clips. `notes` say
 * why, or what of the recordings is silent. `soundOf` reads the sound of one part, undefined where there is none; the same
 * settings give the same.
 */
export const fieldJudge = Effect.fn("fieldJudge")(function* (
  corpus: Pick<JointCorpus, "dataset" | "locate">,
  parts: ReadonlyArray<ReadonlyArray<number>>,
  background: string,
  settings: JudgeSettings
) {
  const { frontEnd } = yield* Engine
  const listened = settings.onlySoundscapes
    ? parts.map(() => [])
    : yield* Effect.forEach(parts, (rows) =>
        Effect.map(readListened(corpus, rows, background), (own) => shareOut(own, settings.listenedSeconds))
      )
  const tooFew = whyTooFew(listened.flat())
  const areAnnotated = tooFew === undefined
  const name: Judge = areAnnotated ? "recordings" : "soundscapes"
  const bands = areAnnotated ? [] : bandsOf(settings.snr)
  const times = windowsOf(frontEnd)
  return {
    name,
    bands,
    notes: tooFew ?? notesOnSilence(listened.flat(), corpus.dataset.classes, background),
    /** The figures of what a classifier of these classes heard. */
    sweep: (heard: ReadonlyArray<ScoredRecording>, classes: ReadonlyArray<string>) =>
      sweepClasses(heard, classes, background, times, bands),
    soundOf: Effect.fnUntraced(function* (part: number) {
      if (areAnnotated) return listened[part]!.length === 0 ? undefined : ofRecordings(listened[part]!)
      const own = { ...settings, seed: settings.seed + part }
      const scenes = makeScenes(yield* readFieldSounds(corpus, parts[part]!, background, own), own)
      return scenes.length === 0 ? undefined : ofScenes(scenes)
    })
  }
})

const ofRecordings = (listened: ReadonlyArray<Listened>) => ({
  scenes: [],
  hear: (classifiers: ReadonlyArray<WindowClassifier>, onHeard?: OnHeard) =>
    Effect.gen(function* () {
      const { heard, unheard } = yield* hearListened(listened, classifiers, onHeard)
      return { heard: yield* correctSites(heard, classifiers), unheard }
    })
})

const ofScenes = (scenes: ReadonlyArray<Soundscape>) => ({
  scenes,
  hear: Effect.fnUntraced(function* (classifiers: ReadonlyArray<WindowClassifier>, onHeard?: OnHeard) {
    const heard = yield* Effect.forEach(scenes, (scene, at) =>
      hearScene(scene, classifiers).pipe(Effect.tap(() => onHeard?.(at + 1, scenes.length) ?? Effect.void))
    )
    return { heard: yield* correctSites(heard, classifiers), unheard: [] }
  })
})
