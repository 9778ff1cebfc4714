import { NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Option } from "effect"
import { FetchHttpClient } from "effect/http"
import { table } from "../../pipelines/cli/summaryText.ts"
import { fitTemperature, temper } from "../../src/classifier/calibrate.ts"
import type { Dataset } from "../../src/classifier/dataset.ts"
import { withoutHoldout } from "../../src/classifier/evaluation/calibrated.ts"
import { evaluateHeads } from "../../src/classifier/evaluation/evaluation.ts"
import { describeDifference, describeFigure } from "../../src/classifier/evaluation/figureTables.ts"
import type { CrossValidation, OutOfFold } from "../../src/classifier/evaluation/outOfFold.ts"
import { splitDataset } from "../../src/classifier/split.ts"
import { Settings } from "../../src/config/settings.ts"
import { embeddedCorpus } from "../../src/runs/embedded.ts"
import { planRun } from "../../src/runs/planRun.ts"
import { runServices, settledEmbedder } from "../../src/runs/services.ts"
import { openStore } from "../../src/store/openStore.ts"

/** A store's recordings, those of them that are not held out, and what it takes to embed them. */
export const openCorpus = Effect.fn("openCorpus")(function* (store: string, augmentations: number) {
  const settings = yield* Settings
  const opened = Option.getOrThrow(yield* openStore(Option.some(store)))
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  const services = runServices(opened, embedder, settings)
  const { dataset, totals } = yield* planRun(embedder, augmentations).pipe(
    Effect.flatMap((plan) => embeddedCorpus(plan, false)),
    Effect.provide(services)
  )
  return {
    whole: dataset,
    choosing: withoutHoldout(dataset, splitDataset(dataset)),
    seconds: totals.seconds,
    scores: embedder.scores!,
    services
  }
})

/** What was tried, compared with the first: a table, and JSON on the last line. */
export const printComparison = Effect.fn("printComparison")(function* (
  dataset: Dataset,
  seconds: ReadonlyMap<string, number>,
  tried: ReadonlyArray<{ readonly name: string; readonly result: OutOfFold }>,
  folds: CrossValidation
) {
  const tested = tried.map(({ name, result }) => ({
    head: name,
    seconds: 0,
    result: temperedTogether(dataset, result)
  }))
  const { heads, differences, recordings, sources } = evaluateHeads(dataset, seconds, tested, {
    ...folds,
    background: undefined
  })!
  const rows = heads.map(({ head, macroF1, logLoss }, at) => {
    const difference = differences[at - 1]
    const less = (figure: "macroF1" | "logLoss") =>
      difference === undefined ? "" : describeDifference(difference[figure])
    return [head, describeFigure(macroF1), less("macroF1"), describeFigure(logLoss), less("logLoss")]
  })
  const results = heads.map(({ head, macroF1, logLoss, classes }, at) => ({
    name: head,
    macroF1,
    logLoss,
    recalls: Object.fromEntries(classes.map(({ className, recall }) => [className, recall])),
    lessTheFirst: differences[at - 1] ?? null
  }))
  yield* Console.log(`${recordings} recordings of ${sources} sources; ${folds.repeats} times ${folds.folds} folds.`)
  yield* Console.log(table([["", "macro-F1", "less the first's", "log loss", "less the first's"], ...rows]))
  yield* Console.log(JSON.stringify({ ...folds, recordings, sources, results }))
})

/** Probabilities at the one temperature that fits all of them best, so that log losses can be compared. */
const temperedTogether = ({ classes, labels }: Dataset, result: OutOfFold): OutOfFold => {
  const rows = result.probabilities.flatMap((repeat) =>
    result.rows.flatMap((row, at) => {
      const own = repeat.subarray(at * classes.length, (at + 1) * classes.length)
      return Number.isNaN(own[0]) ? [] : [{ own, label: labels[row]! }]
    })
  )
  const temperature = fitTemperature({
    probabilities: Float32Array.from(rows.flatMap(({ own }) => [...own])),
    labels: rows.map(({ label }) => label)
  })
  return {
    ...result,
    probabilities: result.probabilities.map((repeat) => temper(repeat, classes.length, temperature))
  }
}

const platform = Layer.mergeAll(Settings.layer, NodeServices.layer, FetchHttpClient.layer)

/** Runs an experiment with what the commands run with. */
export const runExperiment = <A, E>(experiment: Effect.Effect<A, E, Layer.Success<typeof platform>>): Promise<A> =>
  Effect.runPromise(experiment.pipe(Effect.provide(platform)))
