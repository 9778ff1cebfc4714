import { Effect } from "effect"
import { type Zippable, zipSync } from "fflate"
import { File as Hdf5File, ready } from "h5wasm"
import type { Classifier } from "../classifier.ts"
import { type Network, NORMALIZATION, type TensorSpec, tensorsOf, type Weights } from "../network.ts"
import { CLIP_EPSILON } from "../standardise.ts"

/**
 * A classifier as a `.keras` file: [n, 1024] embeddings to [n, classes] probabilities.
 *
 * It opens in Keras 2.15 and in Keras 3. Equal classifiers give equal bytes. Not compiled: it is for prediction.
 */
export const kerasModel = Effect.fn("kerasModel")(function* ({ network, weights }: Classifier) {
  const { FS } = yield* Effect.promise(() => ready)
  const layers = layersOf(network)
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
  const entries: Zippable = {
    "metadata.json": json({ keras_version: "2.15.0", date_saved: "1980-01-01@00:00:00" }),
    "config.json": json(modelConfig(network, layers)),
    "model.weights.h5": weightsFile(FS, layers, weights)
  }
  // Keras stores without compression as well: weights are noise to a compressor. The date is the zip format's zero.
  return zipSync(entries, { level: 0, mtime: new Date(1980, 0, 1) })
})

interface KerasLayer {
  readonly className: string
  readonly config: Readonly<Record<string, unknown>>
  /** Units in and out. */
  readonly inputs: number
  /** Its tensors, in the order in which Keras numbers them. */
  readonly tensors: ReadonlyArray<TensorSpec>
}

const layersOf = (network: Network): ReadonlyArray<KerasLayer> => {
  const tensors = tensorsOf(network)
  const standardisation: KerasLayer = {
    className: "LayerNormalization",
    config: { axis: -1, epsilon: CLIP_EPSILON, center: false, scale: false },
    inputs: network.units[0]!,
    tensors: []
  }
  const dense = network.units.slice(1).flatMap((units, layer): ReadonlyArray<KerasLayer> => {
    const own = tensors.filter((tensor) => tensor.layer === layer)
    const isLast = layer === network.dropout.length
    const linear: KerasLayer = {
      className: "Dense",
      config: { units, activation: isLast ? "softmax" : "relu", use_bias: true },
      inputs: network.units[layer]!,
      tensors: own.slice(0, 2)
    }
    if (isLast) return [linear]
    return [
      linear,
      {
        className: "BatchNormalization",
        config: { axis: -1, ...NORMALIZATION, center: true, scale: true },
        inputs: units,
        tensors: own.slice(2)
      },
      { className: "Dropout", config: { rate: network.dropout[layer] }, inputs: units, tensors: [] }
    ]
  })
  return [standardisation, ...dense]
}

/** Names as Keras makes them up and, in some versions, looks weights up by: `dense`, `dense_1`, `dense_2`. */
const namesOf = (layers: ReadonlyArray<KerasLayer>): ReadonlyArray<string> =>
  layers.map(({ className }, at) => {
    const stem = className.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase()
    const before = layers.slice(0, at).filter((layer) => layer.className === className).length
    return before === 0 ? stem : `${stem}_${before}`
  })

const modelConfig = (network: Network, layers: ReadonlyArray<KerasLayer>) => {
  const names = namesOf(layers)
  const entry = (className: string, config: object, build: object) => ({
    module: "keras.layers",
    class_name: className,
    config,
    registered_name: null,
    ...build
  })
  const input = entry(
    "InputLayer",
    // Keras 2.15 refuses Keras 3's `batch_shape`; both read this.
    { batch_input_shape: [null, network.units[0]], dtype: "float32", sparse: false, ragged: false, name: "embedding" },
    {}
  )
  return {
    module: "keras",
    class_name: "Sequential",
    config: {
      name: "yamnet_classifier",
      layers: [
        input,
        ...layers.map(({ className, config, inputs }, at) =>
          entry(
            className,
            { name: names[at], trainable: true, dtype: "float32", ...config },
            { build_config: { input_shape: [null, inputs] } }
          )
        )
      ]
    },
    registered_name: null,
    build_config: { input_shape: [null, network.units[0]] }
  }
}

const weightsFile = (files: FileSystem, layers: ReadonlyArray<KerasLayer>, weights: Weights): Uint8Array => {
  const path = "model.weights.h5"
  atTimeZero(() => {
    const file = new Hdf5File(path, "w")
    file.create_group("vars")
    const group = file.create_group("layers")
    for (const [at, name] of namesOf(layers).entries()) {
      const vars = group.create_group(name).create_group("vars")
      for (const [place, tensor] of layers[at]!.tensors.entries()) {
        vars.create_dataset({ name: `${place}`, data: weights[tensor.name]!, shape: [...tensor.shape], dtype: "<f4" })
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
