import { Effect } from "effect"
import { type Dataset, makeDataset, type Sample } from "../../classifier/dataset.ts"
import type { Soundscape } from "../../classifier/evaluation/field/soundscape.ts"
import type { FeatureName } from "../../classifier/features/kinds.ts"
import type { HeadDescription } from "../../classifier/heads/head.ts"
import { amongMore, BACKGROUND_ODDS } from "../../classifier/prior.ts"
import type { Split } from "../../classifier/split.ts"
import type { Backend } from "../../classifier/train/backend.ts"
import { type TrainedClassifier, train } from "../../classifier/train/train.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine } from "../../embedder/engine.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { backgroundOf } from "../../store/className.ts"
import type { JointCorpus } from "../jointCorpus.ts"
import { FIELD, windowsOf } from "./fieldDefaults.ts"
import { readFieldSounds } from "./fieldSounds.ts"
import { countWindows, embedScene } from "./hearScene.ts"
import { labelWindows } from "./labelWindows.ts"
import { lastingOf } from "./lasting.ts"
import { makeScenes } from "./scenes.ts"

/** How windows are made to train on; `docs/decisions/field.md` has what else was tried. */
const MIXING = {
  /** Of each event, on average, at other places and loudnesses. */
  copies: 3,
  /** An event in so many seconds: as close as leaves background between them. */
  spacing: 9,
  /** In dB. */
  snr: [-5, 18],
  /** Minutes at most, and at least. */
  minutes: [10, 240]
} as const
/** Windows are many, and alike: a few passes over them are enough. */
const PASSES = { epochs: 10, batchSize: 256 } as const
/**
 * Windows have a nominal level, so that how strong an earlier layer's activations are tells something; and they are many,
 * so that little keeps a regression on them from learning them by heart (`docs/decisions/field.md`).
 */
const OF_WINDOWS: Partial<Record<FeatureName, Partial<HeadDescription>>> = {
  // The least loss hears no better than ten passes on the way there.
  scores: { optimizer: "adam", learningRate: 0.03 },
  layer8max: { input: "layer8plain", decay: 0.03, discriminant: null, share: 1 }
}
/** Far from those that judge. */
const SEED = 0x5ced

/**
 * Windows to train on, as a scan hears them: of soundscapes made of the recordings that train, none of them held out; and how
 * long the events in these last. Undefined where the recordings lack a background, or events of a class that can be heard.
 */
export const makeWindows = Effect.fn("makeWindows")(function* (
  corpus: Pick<JointCorpus, "dataset" | "locate">,
  split: Split,
  background: string,
  onMinutes: (done: number, total: number) => Effect.Effect<void> = () => Effect.void
) {
  const { frontEnd } = yield* Engine
  const { samples, classes, vectors } = corpus.dataset
  const rows = samples.flatMap(({ group, variant }, row) =>
    variant === "original" && (split.subsets.get(group) ?? "holdout") !== "holdout" ? [row] : []
  )
  const events = rows.filter((row) => samples[row]!.className !== background).length
  const [least, most] = MIXING.minutes
  const soundscape = {
    seconds: Math.min(60 * most, Math.max(60 * least, MIXING.copies * MIXING.spacing * events)),
    sampleRate: frontEnd.sampleRate,
    // About half of those drawn find room.
    perHour: (2 * 3600) / MIXING.spacing,
    snr: MIXING.snr,
    eventSeconds: () => FIELD.eventSeconds,
    seed: SEED
  }
  const scenes = makeScenes(yield* readFieldSounds(corpus, rows, background, soundscape), soundscape)
  const total = Math.round(soundscape.seconds / 60)
  const labelled = yield* Effect.forEach(scenes, (scene, at) =>
    labelledWindows(scene, background).pipe(
      Effect.tap(() => onMinutes(Math.round((total * (at + 1)) / scenes.length), total))
    )
  )
  const windows = labelled.flatMap((own) => own.windows)
  if (new Set(windows.map(({ className }) => className)).size < classes.length) return undefined
  return {
    windows: yield* makeDataset(windows, vectors),
    lasting: lastingOf(
      labelled.flatMap(({ spans }) => spans),
      windowsOf(frontEnd)
    )
  }
})

/**
 * Trains a classifier of single windows, of the networks that a classifier of clips has; its probabilities are those of the
 * field, where hardly a window holds an event.
 */
export const trainWindows = (
  windows: Dataset,
  { settings, descriptions }: Pick<TrainedClassifier, "settings" | "descriptions">,
  scores: Embedder["scores"],
  backend: Backend
) => {
  // Scores without named sounds beside those with them are for the `.keras` file, and windows have none.
  const isTwice = descriptions.some(({ input }) => input === "namedScores")
  const [description, ...mixedWith] = descriptions
    .filter(({ input }) => input !== "scores" || !isTwice)
    .map((own) => ({ ...own, ...OF_WINDOWS[own.input] }))
  return train(
    windows,
    {
      training: windows.samples.map((_, row) => row),
      validation: [],
      holdout: [],
      subsets: new Map(windows.samples.map(({ group }) => [group, "training" as const])),
      notes: []
    },
    { ...settings, ...PASSES, description: description!, mixedWith, scores },
    backend
  ).pipe(Effect.map((trained) => amongMore(trained, backgroundOf(windows.classes), BACKGROUND_ODDS)))
}

/** The windows of a scene that are clearly an event's, or clearly none's, and its events. */
const labelledWindows = Effect.fnUntraced(function* (scene: Soundscape, background: string) {
  const { frontEnd } = yield* Engine
  const size = rowSize(frontEnd)
  const count = countWindows(scene, frontEnd)
  const { labels, spans } = labelWindows(scene, count, frontEnd)
  const chunks = yield* embedScene(scene, (rows, first, own) => {
    const windows: Array<Sample> = []
    for (let window = 0; window < own; window++) {
      const label = labels[first + window]
      if (label === undefined) continue
      const { className, group } = label === null ? { className: background, group: background } : label
      const vector = rows.subarray(window * size, (window + 1) * size)
      windows.push({ key: group, className, group, variant: "original", vector })
    }
    return Effect.succeed(windows)
  })
  return { windows: chunks.flat(), spans }
})
