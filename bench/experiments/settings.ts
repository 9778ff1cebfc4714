import { Console, Effect } from "effect"
import { table } from "../../pipelines/summary.ts"
import { HEADS, type HeadDescription } from "../../src/classifier/network.ts"
import { nativeBackend } from "../../src/classifier/train/native.ts"
import { train } from "../../src/classifier/train/train.ts"
import { evaluateHeads } from "../../src/evaluation/evaluation.ts"
import { outOfFold } from "../../src/evaluation/outOfFold.ts"
import { describeDifference, describeFigure } from "../../src/evaluation/table.ts"
import { openCorpus, runExperiment, temperedTogether } from "./corpus.ts"

// The settings of the audioset head, changed one at a time, on the recordings that are not held out:
// bun bench/experiments/settings.ts STORE. The last line is JSON.

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
    const { choosing, split, totals, weights } = yield* openCorpus(process.argv[2]!, 5)
    const scores = weights.scores!
    const tested = yield* Effect.forEach(CHANGES, ({ name, change, scale = 1 }) => {
      const description = { ...HEADS.audioset, ...change }
      const scaled = { kernel: scores.kernel.map((value) => value * scale), bias: scores.bias }
      return outOfFold(choosing, FOLDS, (cut, seed) =>
        train(
          choosing,
          cut,
          { head: "audioset", description, scores: scaled, epochs: 100, batchSize: 64, seed },
          nativeBackend
        )
      ).pipe(
        Effect.map((result) => ({ head: name, seconds: 0, result: temperedTogether(choosing, result) })),
        Effect.tap(() => Effect.sync(() => process.stderr.write(`${name}\n`)))
      )
    })
    const evaluation = evaluateHeads(choosing, totals.seconds, tested, { ...FOLDS, background: undefined })!
    const rows = evaluation.heads.map(({ head, macroF1, logLoss }, at) => {
      const difference = evaluation.differences[at - 1]
      return [
        head,
        describeFigure(macroF1),
        difference === undefined ? "" : describeDifference(difference.macroF1),
        describeFigure(logLoss),
        difference === undefined ? "" : describeDifference(difference.logLoss)
      ]
    })
    yield* Console.log(
      `${evaluation.recordings} recordings; ${split.holdout.length} more are held out and have no part in it.`
    )
    yield* Console.log(table([["audioset", "macro-F1", "less the first's", "log loss", "less the first's"], ...rows]))
    yield* Console.log(
      JSON.stringify({
        ...FOLDS,
        recordings: evaluation.recordings,
        sources: evaluation.sources,
        settings: evaluation.heads.map(({ head, macroF1, logLoss, classes }, at) => ({
          name: head,
          macroF1,
          logLoss,
          recalls: Object.fromEntries(classes.map(({ className, recall }) => [className, recall])),
          lessTheFirst: evaluation.differences[at - 1] ?? null
        }))
      })
    )
  })
)
