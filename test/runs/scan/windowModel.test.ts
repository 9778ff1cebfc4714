import { expect, test } from "bun:test"
import { Effect, Layer, Logger } from "effect"
import { Settings } from "../../../src/config/settings.ts"
import { makeScanRecipe } from "../../../src/embeddings/scans/scanRecipe.ts"
import { toldEvents } from "../../../src/runs/scan/judgeRecordings.ts"
import { openWindowModel } from "../../../src/runs/scan/windowModel.ts"
import { versionKey } from "../../../src/store/keys.ts"
import { Store } from "../../../src/store/store.ts"
import { json } from "../../support/runWorld.ts"
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

test("a version that knows how long a class lasts tells it by as many windows; one of before, by two", async () => {
  const { objects, store, runId } = await trainedStore()
  const open = () =>
    openWindowModel(runId, makeScanRecipe(tiny, "float32")).pipe(
      Effect.map(({ classes, lasting }) => ({ classes, lasting })),
      Effect.scoped,
      Effect.provide(Layer.mergeAll(Layer.succeed(Store, store), Settings.layer, Logger.layer([]))),
      Effect.runPromise
    )
  const before = await open()
  expect(before.lasting).toBeUndefined()

  const metadata = (await json(store, versionKey(runId, "model_metadata.json"))) as object
  const told = { ...metadata, windows: { lasting: { dog_bark: 2 } } }
  objects.set(versionKey(runId, "model_metadata.json"), new TextEncoder().encode(JSON.stringify(told)))
  for (const key of [...objects.keys()].filter((key) => key.includes("/seal-"))) objects.delete(key)
  // It is known of what was trained on windows alone.
  expect((await open()).lasting).toBeUndefined()
  objects.set(versionKey(runId, "field.onnx"), objects.get(versionKey(runId, "classifier.onnx"))!)
  const after = await open()
  expect(after.lasting).toEqual({ dog_bark: 2 })

  // By class dog and shot, two windows of each, then three of the dog.
  const windows = Float32Array.of(0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0)
  const heard = (model: typeof before) =>
    toldEvents(windows, model, { window: 1, hop: 0.5 }, 6, { threshold: 0.5, perClass: {} }).map((event) => [
      event.class,
      event.start
    ])
  const both = [
    ["dog_bark", 0.5],
    ["gun_shot", 0.5],
    ["dog_bark", 3]
  ]
  expect(heard(before)).toEqual(both)
  expect(heard(after)).toEqual(both.slice(1))
})
