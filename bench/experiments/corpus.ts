import { NodeServices } from "@effect/platform-node"
import { Effect, Layer, Option } from "effect"
import { FetchHttpClient } from "effect/http"
import { runServices, settledWeights } from "../../pipelines/services.ts"
import { fitTemperature, temper } from "../../src/classifier/calibrate.ts"
import type { Dataset } from "../../src/classifier/dataset.ts"
import { splitDataset } from "../../src/classifier/split.ts"
import { Settings } from "../../src/config.ts"
import { known } from "../../src/evaluation/calibrated.ts"
import type { OutOfFold } from "../../src/evaluation/outOfFold.ts"
import { embeddedCorpus } from "../../src/retrain/embedded.ts"
import { planRun } from "../../src/retrain/retrain.ts"
import { openStore } from "../../src/store/open.ts"

/** Recordings to choose by, those that the choice is tested on afterwards, and YAMNet's weights. */
export const openCorpus = Effect.fn("openCorpus")(function* (store: string, augmentations: number) {
  const { engine } = yield* Settings
  const opened = Option.getOrThrow(yield* openStore(Option.some(store)))
  const weights = yield* settledWeights({ allowUntrained: false })
  const { dataset, totals } = yield* planRun(weights, augmentations).pipe(
    Effect.flatMap((plan) => embeddedCorpus(plan, false)),
    Effect.provide(runServices(opened, weights, engine))
  )
  const split = splitDataset(dataset)
  return { dataset, totals, split, choosing: known(dataset, split), weights }
})

/** Probabilities at the one temperature that fits all of them best, so that log losses can be compared. */
export const temperedTogether = ({ classes, labels }: Dataset, result: OutOfFold): OutOfFold => {
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

/** Runs an experiment with what the commands run with. */
export const runExperiment = <A, E>(
  experiment: Effect.Effect<
    A,
    E,
    Settings | Layer.Success<typeof platform> | Layer.Success<typeof FetchHttpClient.layer>
  >
): Promise<A> =>
  Effect.runPromise(experiment.pipe(Effect.provide(Layer.mergeAll(Settings.layer, platform, FetchHttpClient.layer))))

const platform = NodeServices.layer
