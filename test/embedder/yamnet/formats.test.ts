import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { LAYERS, layersOf, type Mobilenet, UnusableWeights } from "../../../src/embedder/yamnet/mobilenet.ts"
import { readKeras } from "../../../src/embedder/yamnet/readKeras.ts"
import { readTfjs } from "../../../src/embedder/yamnet/readTfjs.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"
import { type KerasWeight, type ModelFiles, toKeras, toTfjs, unfold } from "../../support/modelFiles.ts"
import { noise } from "../../support/signals.ts"
import { distance } from "../../support/yamnetReference.ts"

const random = noise(7)
const network: Mobilenet = {
  ...untrainedNetwork(),
  stem: { ...untrainedNetwork().stem, bias: Float32Array.from({ length: 32 }, random) }
}

const readFiles = (files: ModelFiles) =>
  readTfjs(files.get("model.json")!, (name) =>
    Effect.fromNullishOr(files.get(name)).pipe(
      Effect.mapError(() => new UnusableWeights({ message: `has no ${name}` }))
    )
  )

const failure = <A>(effect: Effect.Effect<A, UnusableWeights>) =>
  Effect.runPromise(
    effect.pipe(
      Effect.flip,
      Effect.map(({ message }) => message)
    )
  )

const expectNear = (read: Mobilenet, expected: Mobilenet, tolerance: number) => {
  expect(read.separable.map(({ stride }) => stride)).toEqual(expected.separable.map(({ stride }) => stride))
  for (const [index, layer] of layersOf(read).entries()) {
    const like = layersOf(expected)[index]!
    expect(layer.shape).toEqual(like.shape)
    expect(layer.kernel.length).toBe(like.kernel.length)
    expect(layer.bias.length).toBe(like.bias.length)
    expect(distance(layer.kernel, like.kernel).largest).toBeLessThanOrEqual(tolerance)
    expect(distance(layer.bias, like.bias).largest).toBeLessThanOrEqual(tolerance)
  }
}

describe("a TensorFlow.js model", () => {
  for (const prefix of ["", "yamnet_frames/", "StatefulPartitionedCall/x/yamnet_frames/"]) {
    test(`is read to the bit where its nodes are called ${prefix || "plainly"}layer1/conv/...`, async () => {
      expectNear(await Effect.runPromise(readFiles(toTfjs(network, prefix))), network, 0)
    })
  }

  const files = toTfjs(network, "yamnet_frames/")
  const json = new TextDecoder().decode(files.get("model.json"))
  const editing = (from: string, to: string) => {
    expect(json).toContain(from)
    return failure(readFiles(new Map(files).set("model.json", new TextEncoder().encode(json.replace(from, to)))))
  }

  test("is refused without one of its layers", async () => {
    expect(await editing("yamnet_frames/layer12/pointwise_conv/Conv2D_weights", "other")).toBe(
      "has 0 kernel(s) and 1 offset(s) for layer12/pointwise_conv, not one of each (batch normalisation must be folded)"
    )
  })

  test("is refused with a layer of another shape", async () => {
    expect(await editing("[3,3,64,1]", "[3,3,1,64]")).toBe(
      "has layer3/depthwise_conv of shape [3,3,1,64] and [64], not [3,3,64,1] and [64]"
    )
  })

  test("is refused if quantised, or if it names files outside its folder", async () => {
    const notReadable = "is neither a yamnet.h5 nor the model.json of a float32 TensorFlow.js model"
    expect(await editing('"dtype":"float32"', '"dtype":"uint8"')).toBe(notReadable)
    expect(await editing('"dtype":"float32"', '"dtype":"float32","quantization":{"dtype":"uint8"}')).toBe(notReadable)
    expect(await editing("group1-shard1of4.bin", "../group1-shard1of4.bin")).toBe(notReadable)
  })

  test("is refused when a shard is cut off", async () => {
    const cut = files.get("group1-shard4of4.bin")!.slice(4)
    const total = [...files].reduce((sum, [name, bytes]) => sum + (name.endsWith(".bin") ? bytes.length : 0), 0)
    expect(await failure(readFiles(new Map(files).set("group1-shard4of4.bin", cut)))).toContain(
      `has ${total - 4} bytes of weights in group1-shard1of4.bin, group1-shard2of4.bin`
    )
  })
})

describe("a yamnet.h5", () => {
  const weights = unfold(network)
  const read = async (changed: ReadonlyArray<KerasWeight>) => readKeras(await toKeras(changed))
  const replacing = (path: string, weight: Partial<KerasWeight>) => {
    expect(weights.some((each) => each.path === path)).toBe(true)
    return weights.map((each) => (each.path === path ? { ...each, ...weight } : each))
  }

  test("gives back the folded network, within the rounding of folding", async () => {
    expectNear(await Effect.runPromise(await read(weights)), network, 3e-7)
  })

  test("is read under the names of newer Keras, too", async () => {
    const renamed = weights.map((weight) => ({ ...weight, path: `model_weights/${weight.path.replace(":0", "")}` }))
    expectNear(await Effect.runPromise(await read(renamed)), network, 3e-7)
  })

  test("is refused without one of its weights, or with one of another shape", async () => {
    const beta = "layer5/pointwise_conv/bn/layer5/pointwise_conv/bn/beta:0"
    expect(await failure(await read(replacing(beta, { path: "elsewhere" })))).toBe(
      "has 0 weights called layer5/pointwise_conv/bn/beta, not one"
    )
    expect(await failure(await read(replacing(beta, { shape: [255], values: new Float32Array(255) })))).toBe(
      "has layer5/pointwise_conv/bn/beta of shape [255], not [256]"
    )
  })

  test("is refused with a scale, which would have to be folded in", async () => {
    const gamma = { path: "layer1/conv/bn/layer1/conv/bn/gamma:0", shape: [32], values: new Float32Array(32) }
    expect(await failure(await read([...weights, gamma]))).toContain("layer1/conv/bn/gamma")
  })

  test("is refused when cut off anywhere, and when it is something else", async () => {
    const whole = await toKeras(weights)
    for (const size of [0, 100, 5000, whole.length >> 1, whole.length - 1]) {
      expect(await failure(readKeras(whole.slice(0, size)))).toBe("is not a whole HDF5 file")
    }
    expectNear(await Effect.runPromise(readKeras(whole)), network, 3e-7)
  })
})

test("YAMNet's last layer is read with it, whatever it is called, and missed by nobody else", async () => {
  const scores = {
    kernel: Float32Array.from({ length: 1024 * 521 }, random),
    bias: Float32Array.from({ length: 521 }, random)
  }
  expect((await Effect.runPromise(readFiles(toTfjs({ ...network, scores }, "yamnet_frames/")))).scores).toMatchObject(
    scores
  )
  expect(await Effect.runPromise(readFiles(toTfjs(network, "yamnet_frames/")))).not.toHaveProperty("scores")
  const weights = [
    ...unfold(network),
    { path: "dense/dense/kernel:0", shape: [1024, 521], values: scores.kernel },
    { path: "dense/dense/bias:0", shape: [521], values: scores.bias }
  ]
  expect((await Effect.runPromise(readKeras(await toKeras(weights)))).scores).toMatchObject(scores)
})

test("the untrained network has every layer in YAMNet's shape", () => {
  for (const [index, { kernel, shape }] of layersOf(untrainedNetwork()).entries()) {
    expect(shape).toEqual(LAYERS[index]!.shape)
    expect(kernel.length).toBe(shape[0] * shape[1] * shape[2] * shape[3])
  }
})
