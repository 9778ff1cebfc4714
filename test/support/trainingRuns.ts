import { Effect } from "effect"
import { makeDataset, type Sample } from "../../src/classifier/dataset.ts"
import type { TrainingRun } from "../../src/classifier/export/trainingRun.ts"
import { testClassifier } from "../../src/classifier/holdoutResult.ts"
import { splitDataset } from "../../src/classifier/split.ts"
import { nativeBackend } from "../../src/classifier/train/nativeBackend.ts"
import { type TrainingSettings, train } from "../../src/classifier/train/train.ts"
import type { ScoreLayer } from "../../src/embedder/embedder.ts"
import { rowSize } from "../../src/embedder/frontEnd.ts"
import { calibrationPatches } from "../../src/embedder/yamnet/calibrationSounds.ts"
import { EMBEDDING_SIZE, TAPS, vectorSizes } from "../../src/embedder/yamnet/mobilenet.ts"
import { SOUNDS } from "../../src/embedder/yamnet/sounds.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { quantiseYamnet, yamnetOf } from "../../src/embedder/yamnet/yamnet.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { gaussian } from "./problems.ts"

/**
 * Two variants of recordings in three classes that differ in some of the features, `distance` deviations apart; the
 * first class has three times as many. Each recording is a group of its own.
 */
export const corpus = (groups: number, distance = 0.6): ReadonlyArray<Sample> => {
  const random = seededRandom(11)
  return ["dog", "engine", "gun"].flatMap((className, label) =>
    Array.from({ length: groups * (label === 0 ? 3 : 1) }, (_, group) => group).flatMap((group) =>
      ["original", "noise_light"].map((variant) => ({
        key: `extracted_audio/${className}/${group}.wav`,
        className,
        group: `${className}${group}`,
        variant,
        vector: Float32Array.from({ length: 1024 }, (_, i) =>
          Math.max(0, gaussian(random) + (i % 3 === label ? distance : 0))
        )
      }))
    )
  )
}

/** What `tapped` rows are made of. */
export const WITH_TAPS = vectorSizes(TAPS)

/** The same with other vectors beside the embedding, in whose features other differences are. */
export const tapped = (samples: ReadonlyArray<Sample>, distance = 0.6): ReadonlyArray<Sample> => {
  const random = seededRandom(13)
  const labels = [...new Set(samples.map(({ className }) => className))].sort()
  return samples.map((sample) => {
    const label = labels.indexOf(sample.className)
    const features = Array.from({ length: rowSize({ vectors: WITH_TAPS }) - EMBEDDING_SIZE }, (_, i) => {
      return Math.max(0, gaussian(random) + (i % 3 === label ? distance : 0))
    })
    return { ...sample, vector: Float32Array.from([...sample.vector, ...features]) }
  })
}

/** A stand-in for YAMNet's last layer: random, and mostly off, as its scores are. */
export const standInScores = (): ScoreLayer => {
  const random = seededRandom(23)
  return {
    kernel: Float32Array.from({ length: 1024 * 521 }, () => 0.4 * gaussian(random)),
    bias: Float32Array.from({ length: 521 }, () => gaussian(random) - 2),
    sounds: SOUNDS
  }
}

export const SETTINGS: TrainingSettings = { head: "mlp", scores: standInScores(), epochs: 8, batchSize: 16, seed: 1 }

/** A data set, its split, and a classifier trained on it natively. */
export const trainOn = (samples: ReadonlyArray<Sample>, settings: Partial<TrainingSettings> = {}) =>
  Effect.gen(function* () {
    const isTapped = samples[0]!.vector.length > 1024
    const dataset = yield* makeDataset(samples, isTapped ? WITH_TAPS : undefined)
    const split = splitDataset(dataset)
    return { dataset, split, classifier: yield* train(dataset, split, { ...SETTINGS, ...settings }, nativeBackend) }
  })

const network = untrainedNetwork()
// Of few sounds: what its whole numbers are worth is another test's.
const round = Effect.runSync(Effect.cached(quantiseYamnet(network, calibrationPatches(4))))

/** A whole run, with an untrained stand-in for YAMNet. */
export const trainedRun = (samples: ReadonlyArray<Sample>, settings: Partial<TrainingSettings> = {}) =>
  trainOn(samples, settings).pipe(
    Effect.map(
      ({ dataset, split, classifier }): TrainingRun => ({
        runId: "2026-01-02T03-04-05Z",
        date: new Date("2026-01-02T03:04:05Z"),
        classifier,
        result: testClassifier(classifier, dataset, split.holdout),
        dataset,
        split,
        recipe: {
          id: "0123456789abcdef",
          parts: {
            weights: "none",
            frontEnd: "1",
            pooling: "1",
            sampleRate: 16_000,
            clipMaxSeconds: 30,
            augmentation: "1",
            augmentations: 1
          }
        },
        embedder: yamnetOf(
          { ...network, hash: "0".repeat(64), source: "a seed", embedder: "untrained" },
          TAPS,
          undefined,
          round
        ),
        engine: { name: "native", adapter: "CPU, 2 threads", why: "there is no graphics adapter" },
        modelPath: "models/yamnet_classifier.keras"
      })
    )
  )
