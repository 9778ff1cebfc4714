import { Effect } from "effect"
import { outOfFold } from "../../src/classifier/evaluation/outOfFold.ts"
import type { HeadDescription } from "../../src/classifier/heads/head.ts"
import { HEADS } from "../../src/classifier/heads/heads.ts"
import { nativeBackend } from "../../src/classifier/train/nativeBackend.ts"
import { train } from "../../src/classifier/train/train.ts"
import { openCorpus, printComparison, runExperiment } from "./experimentData.ts"

// The settings of the audioset head, changed one at a time, on the recordings that are not held out:
// bun bench/experiments/headSettings.ts STORE. The last line is JSON.

const FOLDS = { folds: 5, repeats: 5, seed: 0 }

const CHANGES: ReadonlyArray<{
  readonly name: string
  readonly change: Partial<HeadDescription>
  readonly scale?: number
}> = [
  { name: "as it is", change: {} },
  { name: "decay 0.001", change: { decay: 0.001 } },
  { name: "decay 0.003", change: { decay: 0.003 } },
  { name: "decay 0.03", change: { decay: 0.03 } },
  { name: "decay 0.1", change: { decay: 0.1 } },
  { name: "scores at twice the scale", change: {}, scale: 2 },
  { name: "scores at half the scale", change: {}, scale: 0.5 },
  { name: "early stopping", change: { earlyStopping: true } },
  { name: "label smoothing 0.1", change: { labelSmoothing: 0.1 } },
  { name: "mixup 0.2", change: { mixup: 0.2 } },
  { name: "classes weigh by the root", change: { balance: "root" } },
  { name: "classes not balanced", change: { balance: "none" } },
  { name: "features standardised, floor 0.3", change: { smallestDeviation: 0.3 } },
  { name: "features standardised, floor 0.1", change: { smallestDeviation: 0.1 } },
  { name: "a hidden layer of 64", change: { hidden: [64], dropout: [0.4], learningRate: 0.001 } },
  { name: "three members", change: { members: 3 } }
]

await runExperiment(
  Effect.gen(function* () {
    const { choosing, seconds, scores } = yield* openCorpus(process.argv[2]!, 5)
    const tried = yield* Effect.forEach(CHANGES, ({ name, change, scale = 1 }) => {
      const description = { ...HEADS.audioset.description, ...change }
      const scaled = { kernel: scores.kernel.map((value) => value * scale), bias: scores.bias }
      const settings = { head: "audioset", description, scores: scaled, epochs: 100, batchSize: 64 } as const
      return outOfFold(choosing, FOLDS, (cut, seed) => train(choosing, cut, { ...settings, seed }, nativeBackend)).pipe(
        Effect.map((result) => ({ name, result })),
        Effect.tap(() => Effect.sync(() => process.stderr.write(`${name}\n`)))
      )
    })
    yield* printComparison(choosing, seconds, tried, FOLDS)
  })
)
