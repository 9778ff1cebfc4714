import { expect, setSystemTime, test } from "bun:test"
import { Effect } from "effect"
import { unzipSync } from "fflate"
import { Dataset as Hdf5Dataset, File as Hdf5File, ready } from "h5wasm"
import { networkOf, tensorsOf } from "../../../src/classifier/denseNetwork.ts"
import { kerasModel } from "../../../src/classifier/export/kerasModel.ts"
import { FEATURES } from "../../../src/classifier/features/kinds.ts"
import { HEADS } from "../../../src/classifier/heads/heads.ts"
import { initialWeights } from "../../../src/classifier/initial.ts"
import { seededRandom } from "../../../src/sound/random.ts"

const features = FEATURES.embedding.make(1024, {}, [])
const network = networkOf(HEADS.mlp.description, features.width, 3)
const classifier = { classes: ["a", "b", "c"], features, network, weights: initialWeights(network, seededRandom(1)) }
const files = unzipSync(await Effect.runPromise(kerasModel(classifier)))

test("the file holds what Keras looks for", () => {
  expect(Object.keys(files)).toEqual(["metadata.json", "config.json", "model.weights.h5"])
  const { config } = JSON.parse(new TextDecoder().decode(files["config.json"]))
  expect(config.layers.map((layer: { readonly class_name: string }) => layer.class_name)).toEqual([
    "InputLayer",
    "LayerNormalization",
    ...Array.from({ length: 4 }, () => ["Dense", "BatchNormalization", "Dropout"]).flat(),
    "Dense"
  ])
  expect(config.layers[0].config.batch_input_shape).toEqual([null, 1024])
  expect(config.layers[1].config).toMatchObject({ epsilon: 1e-6, center: false, scale: false })
  expect(config.layers[2].config).toMatchObject({ name: "dense", units: 512, activation: "relu", dtype: "float32" })
  expect(config.layers[14].config).toMatchObject({ name: "dense_4", units: 3, activation: "softmax" })
})

test("each tensor lies where Keras looks it up, as it was", async () => {
  const { FS } = await ready
  FS.writeFile("read.h5", files["model.weights.h5"]!)
  const file = new Hdf5File("read.h5", "r")
  const kinds = {
    kernel: "dense",
    bias: "dense",
    gamma: "batch_normalization",
    beta: "batch_normalization",
    mean: "batch_normalization",
    variance: "batch_normalization"
  }
  const places = { kernel: 0, bias: 1, gamma: 0, beta: 1, mean: 2, variance: 3 }
  for (const { name, kind, layer, shape } of tensorsOf(network)) {
    const path = `layers/${kinds[kind]}${layer === 0 ? "" : `_${layer}`}/vars/${places[kind]}`
    const found = file.get(path)
    if (!(found instanceof Hdf5Dataset)) throw new Error(`There is no ${path}.`)
    expect(found.shape).toEqual([...shape])
    expect(found.value).toEqual(classifier.weights[name]!)
  }
  file.close()
  FS.unlink("read.h5")
})

test("equal classifiers give equal bytes at any time, and nothing stays behind", async () => {
  const { FS } = await ready
  const before = FS.readdir(".")
  const clock = Date.now
  const made = []
  for (const year of ["2026", "2031"]) {
    setSystemTime(new Date(`${year}-03-04T05:06:07Z`))
    made.push(await Effect.runPromise(kerasModel(classifier)))
  }
  setSystemTime()
  expect(made[1]).toEqual(made[0]!)
  expect(Date.now).toBe(clock)
  expect(FS.readdir(".")).toEqual(before)
})
