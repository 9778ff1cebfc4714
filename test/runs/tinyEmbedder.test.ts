import { expect, setDefaultTimeout, test } from "bun:test"
import { Effect, Result, Schema } from "effect"
import { unzipSync } from "fflate"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { engineLayer } from "../../src/embedder/choose.ts"
import { Engine } from "../../src/embedder/engine.ts"
import { decodePart } from "../../src/embeddings/part.ts"
import { RunSummary } from "../../src/runs/summary.ts"
import { decodeClip } from "../../src/sound/decode/decode.ts"
import { folderStore } from "../../src/store/folder.ts"
import { recordingKey, versionKey } from "../../src/store/keys.ts"
import type { Store } from "../../src/store/store.ts"
import { failure, fill, json, keysIn, runOn, sound } from "../support/runWorld.ts"
import { temporaryFolder } from "../support/stores.ts"
import { frontEnd, tiny } from "../support/tinyEmbedder.ts"

// Another embedder than YAMNet, of another rate, window and size, through everything that takes one.

setDefaultTimeout(60_000)

const CLASSES = ["dog_bark", "gun_shot"] as const

const corpus = new Map(
  CLASSES.flatMap((className, label) =>
    Array.from({ length: 12 }, (_, i) => {
      return [
        recordingKey(className, `${100 * label + i}-${label}-0-0.wav`),
        sound(className, 100 * label + i)
      ] as const
    })
  )
)

const inFolder = (use: (store: Store["Service"]) => Promise<void>) =>
  Effect.runPromise(
    temporaryFolder.pipe(
      Effect.tap((folder) => Effect.promise(() => fill(folderStore(folder), corpus))),
      Effect.flatMap((folder) => Effect.promise(() => use(folderStore(folder)))),
      Effect.scoped
    )
  )

const OPTIONS = { epochs: 60, head: "default" } as const

const run = async (store: Store["Service"], embedder?: typeof tiny, options: object = OPTIONS) =>
  Result.getOrThrow((await runOn(store, options, {}, undefined, [], embedder)).result)

const bytesOf = (store: Store["Service"], key: string) =>
  Effect.runPromise(Effect.map(store.get(key), ({ bytes }) => bytes))

/** A sound's vector, as the stream computes that of an original. */
const embed = (bytes: Uint8Array) =>
  Effect.gen(function* () {
    const { samples } = yield* decodeClip(bytes, { maxSeconds: 30, sampleRate: frontEnd.sampleRate })
    const patches = frontEnd.prepare(samples)
    const rows = yield* Engine.use((engine) => engine.embed(patches))
    const weights = frontEnd.weigh(patches)
    return Float32Array.from({ length: 12 }, (_, i) =>
      weights.reduce((sum, weight, at) => sum + weight * rows[12 * at + i]!, 0)
    )
  }).pipe(Effect.provide(engineLayer({ engine: "native", embedder: tiny })), Effect.runPromise)

test("goes from sounds to a promoted model that knows others of their kind, and says what it has not", () =>
  inFolder(async (store) => {
    const summary = await run(store, tiny)
    expect(Schema.is(RunSummary)(summary)).toBe(true)
    expect(summary).toMatchObject({ embedder: "tiny", embedded: 24, variants: 48, promoted: true })
    expect(summary.holdout.macroF1).toBeGreaterThan(0.8)
    expect(summary.notes).toEqual(
      expect.arrayContaining([
        "The head audioset is not on offer: tiny has no scores of its own.",
        "There is no ecosight.onnx, for devices and for predictions over HTTP: tiny cannot be one graph.",
        "There is no ecosight.tflite: tiny has no form for TensorFlow Lite."
      ])
    )

    const [part] = await keysIn(store, "embeddings/")
    const rows = await Effect.runPromise(
      decodePart(part!, part!.split("/")[2]!.replace(".parquet", ""), await bytesOf(store, part!), { levels: 12 })
    )
    const first = rows.find(({ key }) => key === [...corpus.keys()][0])!
    expect(first.variants[0]).toMatchObject({ seconds: 0.5, patches: 1 })
    expect(first.variants[0]!.vector).toEqual(await embed([...corpus.values()][0]!))

    const version = (file: string) => versionKey(summary.runId, file)
    expect(await json(store, version("model_metadata.json"))).toMatchObject({
      model_name: "EcoSight tiny classifier",
      model_type: "tiny embeddings, dense network",
      input: expect.stringContaining("The mean of tiny's vectors over a clip's patches"),
      input_shape: [12],
      sample_rate: 8000,
      training_config: { head: "mlp" },
      recipe: { parts: { embedder: { id: "tiny", window: 4000, hop: 2000, vectors: { levels: 12 } } } }
    })
    expect(await keysIn(store, version(""))).not.toContain(version("ecosight.onnx"))
    const keras = unzipSync(await bytesOf(store, version("yamnet_classifier.keras")))
    expect(new TextDecoder().decode(keras["config.json"])).toContain('"batch_input_shape":[null,12]')

    const session = await InferenceSession.create(await bytesOf(store, version("classifier.onnx")))
    for (const [label, className] of CLASSES.entries()) {
      const embedding = new Tensor("float32", await embed(sound(className, 7000)), [1, 12])
      const { probabilities } = await session.run({ embedding })
      expect(Number(probabilities!.data[label])).toBeGreaterThan(0.5)
    }

    expect(await run(store, tiny)).toMatchObject({
      embedded: 0,
      reused: 24,
      comparison: { promotedRun: summary.runId }
    })
  }))

test("a head that needs YAMNet is refused by one sentence", () =>
  inFolder(async (store) => {
    expect(await failure(store, { head: "audioset" }, {}, undefined, [], tiny)).toBe(
      "This head needs YAMNet's last layer, which these weights lack: take another head, or the whole YAMNet."
    )
  }))

test("vectors of two embedders are kept apart, and their models are not compared", () =>
  inFolder(async (store) => {
    await run(store, tiny)
    const other = await run(store, undefined, {})
    expect(other).toMatchObject({ embedded: 24, comparison: null, promoted: false })
    expect(other.decision).toMatch(/cannot be tested \(it takes vectors of tiny, not of yamnet: bun run models promote/)
    expect(new Set((await keysIn(store, "embeddings/")).map((key) => key.split("/")[1])).size).toBe(2)
    const published = async () => (await keysIn(store, "models/")).includes("models/ecosight.onnx")
    expect(await published()).toBe(false)
    await run(store, undefined, { promotion: "always" })
    expect(await published()).toBe(true)
    await run(store, tiny, { promotion: "always" })
    expect(await published()).toBe(false)
  }))

test("models of two embedders are not compared, though their vectors have one size", () =>
  inFolder(async (store) => {
    await run(store, tiny)
    const namesake = { ...tiny, name: "namesake", frontEnd: { ...tiny.frontEnd, id: "namesake" } }
    const other = await run(store, namesake)
    expect(other).toMatchObject({ embedded: 24, comparison: null, promoted: false })
    expect(other.decision).toContain("it takes vectors of tiny, not of namesake")
  }))

test("a part of another embedder is refused by name, set aside, and its recordings are embedded again", () =>
  inFolder(async (store) => {
    await run(store, undefined, {})
    const [foreign] = await keysIn(store, "embeddings/")
    const { runId } = await run(store, tiny)
    const { recipe } = (await json(store, `runs/${runId}.json`)) as { recipe: { id: string } }
    const folder = `embeddings/${recipe.id}/`
    const [own] = await keysIn(store, folder)
    await Effect.runPromise(store.remove(own!))
    const planted = `${folder}${foreign!.split("/")[2]}`
    await fill(store, [[planted, await bytesOf(store, foreign!)]])
    expect(await run(store, tiny)).toMatchObject({ embedded: 24, recordings: 24 })
    expect(await keysIn(store, folder)).toEqual([own!, `${folder}damaged/${foreign!.split("/")[2]}`].sort())
  }))

test("runs on the processor where it has no kernels for a card, and says so", async () => {
  const why = Engine.pipe(
    Effect.map((engine) => engine.why),
    Effect.provide(engineLayer({ engine: "auto", embedder: tiny })),
    Effect.runPromise
  )
  expect(await why).toBe("Native, because WebGPU has no kernels for tiny.")
})
