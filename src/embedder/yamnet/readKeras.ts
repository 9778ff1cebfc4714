import { Effect } from "effect"
import type { Convolution, Shape } from "../convolution.ts"
import { channels, LAYERS, type Mobilenet, pickScores, toNetwork, UnusableWeights } from "./mobilenet.ts"

// The epsilon of YAMNet's published batch normalisation, which has no scale (gamma).
const EPSILON = 1e-4

/** Whether the bytes begin as those of an HDF5 file. */
export const isHdf5 = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 8)).toString("latin1") === "\x89HDF\r\n\x1a\n"

type Weights = ReadonlyMap<string, { readonly shape: ReadonlyArray<number>; readonly values: Float32Array }>

// HDF5's library reads from files of Emscripten's memory only, and prints its complaints unless it may throw them.
const readDatasets = (
  { Dataset, File }: typeof import("h5wasm"),
  { FS, ...library }: Awaited<typeof import("h5wasm").ready>,
  bytes: Uint8Array
): Weights => {
  const name = "yamnet.h5"
  FS.writeFile(name, bytes)
  library.activate_throwing_error_handler()
  try {
    const file = new File(name, "r")
    const datasets = file.paths().map((path) => [path, file.get(path)] as const)
    const weights = new Map(
      datasets.flatMap(([path, entity]) => {
        const values = entity instanceof Dataset ? entity.value : null
        return entity instanceof Dataset && values instanceof Float32Array
          ? [[path, { shape: entity.shape ?? [], values }] as const]
          : []
      })
    )
    file.close()
    return weights
  } finally {
    library.deactivate_throwing_error_handler()
    FS.unlink(name)
  }
}

// Keras nests a weight as <layer>/<layer>/<weight>:0, and newer versions leave out the ":0".
const pick = (
  weights: Weights,
  name: string,
  shape: ReadonlyArray<number>
): Effect.Effect<Float32Array, UnusableWeights> => {
  const found = [...weights].filter(([path]) => `/${path.replace(/:0$/, "")}`.endsWith(`/${name}`))
  const [weight] = found.map(([, weight]) => weight)
  if (weight === undefined || found.length > 1) {
    return Effect.fail(new UnusableWeights({ message: `has ${found.length} weights called ${name}, not one` }))
  }
  if (`${weight.shape}` !== `${shape}`) {
    return Effect.fail(new UnusableWeights({ message: `has ${name} of shape [${weight.shape}], not [${shape}]` }))
  }
  return Effect.succeed(weight.values)
}

// y = (conv(x) - mean) / sqrt(variance + epsilon) + beta, as one kernel and one bias.
const fold = (
  kernel: Float32Array,
  shape: Shape,
  normalisation: Readonly<Record<"beta" | "mean" | "variance", Float32Array>>
): Convolution => {
  const { beta, mean, variance } = normalisation
  const scale = Float64Array.from(variance, (value) => 1 / Math.sqrt(value + EPSILON))
  return {
    kernel: kernel.map((weight, index) => weight * scale[index % scale.length]!),
    shape,
    bias: beta.map((value, channel) => value - mean[channel]! * scale[channel]!)
  }
}

const readLayer = Effect.fnUntraced(function* (
  weights: Weights,
  { path, shape }: { readonly path: string; readonly shape: Shape }
) {
  if ([...weights.keys()].some((name) => name.includes(`${path}/bn/gamma`))) {
    return yield* new UnusableWeights({ message: `has ${path}/bn/gamma, a scale that YAMNet does not have` })
  }
  const each = [channels(shape)]
  const kernel = yield* pick(weights, `${path}/${path.endsWith("depthwise_conv") ? "depthwise_" : ""}kernel`, shape)
  const beta = yield* pick(weights, `${path}/bn/beta`, each)
  const mean = yield* pick(weights, `${path}/bn/moving_mean`, each)
  const variance = yield* pick(weights, `${path}/bn/moving_variance`, each)
  return fold(kernel, shape, { beta, mean, variance })
})

/**
 * Reads the weights that Keras saves of YAMNet's published model (`yamnet.h5`), and folds the batch normalisation in.
 *
 * Fails if the bytes are not whole, or a layer is missing or of another shape.
 */
export const readKeras = Effect.fn("Keras.read")(function* (
  bytes: Uint8Array
): Effect.fn.Return<Mobilenet, UnusableWeights> {
  // Loaded when it is needed (see `kerasModel`).
  const h5wasm = yield* Effect.promise(() => import("h5wasm"))
  const library = yield* Effect.promise(() => h5wasm.ready)
  const weights = yield* Effect.try({
    try: () => readDatasets(h5wasm, library, bytes),
    catch: () => new UnusableWeights({ message: "is not a whole HDF5 file" })
  })
  return toNetwork(yield* Effect.forEach(LAYERS, (layer) => readLayer(weights, layer)), pickScores(weights.values()))
})
