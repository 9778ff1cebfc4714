import { expect, test } from "bun:test"
import { Effect, Layer, Logger } from "effect"
import { Settings } from "../../../src/config/settings.ts"
import { makeScanRecipe } from "../../../src/embeddings/scans/scanRecipe.ts"
import { openWindowModel } from "../../../src/runs/scan/windowModel.ts"
import { Store } from "../../../src/store/store.ts"
import { trainedStore } from "../../support/scanWorld.ts"
import { tiny } from "../../support/tinyEmbedder.ts"

test("a model that was trained in another precision than its windows are heard in says so, and hears", async () => {
  const { store, runId } = await trainedStore()
  const said = async (precision: "float32" | "int8") => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => void lines.push([message].flat().join(" ")))
    const { classes } = await openWindowModel(runId, makeScanRecipe(tiny, precision)).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(Layer.succeed(Store, store), Settings.layer, Logger.layer([logger]))),
      Effect.runPromise
    )
    expect(classes).toEqual(["dog_bark", "gun_shot"])
    return lines
  }
  expect(await said("float32")).toEqual([])
  expect(await said("int8")).toEqual([
    `The version ${runId} was trained and tested on vectors in float32, and hears windows in int8: set PRECISION=float32, or train one in int8.`
  ])
})
