import { Effect } from "effect"
import { type Zippable, zipSync } from "fflate"
import type { Branch } from "../classifier.ts"
import { NORMALIZATION, tensorsOf } from "../denseNetwork.ts"
import type { KerasLayer } from "./kerasLayer.ts"

/**
 * A classifier of one network as a `.keras` file: [n, inputs] embeddings to [n, classes] probabilities.
 *
 * It opens in Keras 2.15 and in Keras 3. Equal classifiers give equal bytes. Not compiled: it is for prediction.
 */
export const kerasModel = Effect.fn("kerasModel")(function* (classifier: Branch) {
  // Loaded when it is needed: to start HDF5's library takes longer than many a command.
  const { File: Hdf5File, ready } = yield* Effect.promise(() => import("h5wasm"))
  const { FS } = yield* Effect.promise(() => ready)
  const layers = layersOf(classifier)
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
  const entries: Zippable = {
    "metadata.json": json({ keras_version: "2.15.0", date_saved: "1980-01-01@00:00:00" }),
    "config.json": json(modelConfig(layers, classifier.features.inputs)),
    "model.weights.h5": weightsFile(Hdf5File, FS, layers)
  }
  // Keras stores without compression as well: weights are noise to a compressor. The date is the zip format's zero.
  return zipSync(entries, { level: 0, mtime: new Date(1980, 0, 1) })
})

const layersOf = ({ features, network, weights }: Branch): ReadonlyArray<KerasLayer> => {
  const tensors = tensorsOf(network)
  const dense = network.units.slice(1).flatMap((units, layer): ReadonlyArray<KerasLayer> => {
    const own = tensors
      .filter((tensor) => tensor.layer === layer)
      .map(({ name, shape }) => ({ values: weights[name]!, shape }))
    const isLast = layer === network.dropout.length
    const linear: KerasLayer = {
      className: "Dense",
      config: { units, activation: isLast ? "softmax" : "relu", use_bias: true },
      inputs: [network.units[layer]!],
      tensors: own.slice(0, 2)
    }
    if (isLast) return [linear]
    return [
      linear,
      {
        className: "BatchNormalization",
        config: { axis: -1, ...NORMALIZATION, center: true, scale: true },
        inputs: [units],
        tensors: own.slice(2)
      },
      { className: "Dropout", config: { rate: network.dropout[layer] }, inputs: [units], tensors: [] }
    ]
  })
  return [...features.kerasLayers, ...dense]
}

/** Names as Keras makes them up and, in some versions, looks weights up by: `dense`, `dense_1`, `dense_2`. */
const namesOf = (layers: ReadonlyArray<KerasLayer>): ReadonlyArray<string> =>
  layers.map(({ className }, at) => {
    const stem = className.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase()
    const before = layers.slice(0, at).filter((layer) => layer.className === className).length
    return before === 0 ? stem : `${stem}_${before}`
  })

const INPUT = "embedding"

/** A plain stack of layers as a `Sequential` model, anything else as a functional one. */
const modelConfig = (layers: ReadonlyArray<KerasLayer>, inputs: number) => {
  const names = namesOf(layers)
  const isStack = layers.every(({ from }) => from === undefined)
  const entry = (className: string, config: KerasLayer["config"], build: object, from: ReadonlyArray<string>) => ({
    module: "keras.layers",
    class_name: className,
    config,
    registered_name: null,
    ...build,
    // Keras 3 writes these otherwise, but reads them so as well.
    ...(isStack
      ? {}
      : { name: config.name, inbound_nodes: from.length === 0 ? [] : [from.map((name) => [name, 0, 0, {}])] })
  })
  const input = entry(
    "InputLayer",
    // Keras 2.15 refuses Keras 3's `batch_shape`; both read this.
    { batch_input_shape: [null, inputs], dtype: "float32", sparse: false, ragged: false, name: INPUT },
    {},
    []
  )
  return {
    module: "keras",
    class_name: isStack ? "Sequential" : "Model",
    config: {
      name: "yamnet_classifier",
      layers: [
        input,
        ...layers.map(({ className, config, inputs: shape, from }, at) =>
          entry(
            className,
            { name: names[at], trainable: true, dtype: "float32", ...config },
            shape.length === 0 ? {} : { build_config: { input_shape: [null, ...shape] } },
            from === undefined ? [at === 0 ? INPUT : names[at - 1]!] : from.map((place) => names[place]!)
          )
        )
      ],
      ...(isStack ? {} : { trainable: true, input_layers: [[INPUT, 0, 0]], output_layers: [[names.at(-1), 0, 0]] })
    },
    registered_name: null,
    build_config: { input_shape: [null, inputs] }
  }
}

const weightsFile = (
  Hdf5File: typeof import("h5wasm").File,
  files: FileSystem,
  layers: ReadonlyArray<KerasLayer>
): Uint8Array => {
  const path = "model.weights.h5"
  atTimeZero(() => {
    const file = new Hdf5File(path, "w")
    file.create_group("vars")
    const group = file.create_group("layers")
    for (const [at, name] of namesOf(layers).entries()) {
      const vars = group.create_group(name).create_group("vars")
      for (const [place, { values, shape }] of layers[at]!.tensors.entries()) {
        vars.create_dataset({ name: `${place}`, data: values, shape: [...shape], dtype: "<f4" })
      }
    }
    file.close()
  })
  const bytes = files.readFile(path)
  files.unlink(path)
  return bytes
}

interface FileSystem {
  readonly readFile: (path: string) => Uint8Array
  readonly unlink: (path: string) => void
}

/**
 * Runs `write` with a clock that stands at zero: HDF5 stamps each object with the time, which would make every file
 * differ, and h5wasm has no setting against it. Nothing else runs meanwhile, as `write` is synchronous.
 */
const atTimeZero = (write: () => void): void => {
  const { now } = Date
  Date.now = () => 0
  try {
    write()
  } finally {
    Date.now = now
  }
}
