import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { ConfigProvider, Effect, Layer } from "effect"
import type { Certificate } from "../../../src/classifier/export/certificate.ts"
import { Settings } from "../../../src/config/settings.ts"
import { Embeddings } from "../../../src/embeddings/embeddings.ts"
import { certify } from "../../../src/runs/certify/certify.ts"
import { readOnly } from "../../../src/store/readOnly.ts"
import { Store } from "../../../src/store/store.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { fill, json, smallCorpus, sound, succeed } from "../../support/runWorld.ts"

const store = memoryStore(new Map())
let folder: string
let runId: string
const certificateOf = async () => (await json(store, "models/certificate.json")) as Certificate

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "certify-"))
  await fill(store, smallCorpus())
  const summary = await succeed(store)
  runId = summary.runId
})
afterAll(() => rm(folder, { recursive: true }))

const services = Embeddings.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(Layer.succeed(Store, store), Settings.layer, NodeServices.layer)),
  Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} })))
)
const certified = (python: string) => Effect.runPromise(certify(runId, python).pipe(Effect.provide(services)))

/** Stands in for a Python with LiteRT: it answers each waveform of each file as `answer` says. */
const standIn = async (answer: string) => {
  const path = join(folder, "python")
  const program = `#!${process.execPath}
const task = JSON.parse(await Bun.file(process.argv.at(-1)).text())
const samples = (await Bun.file(task.waveforms).bytes()).length / 4
if (samples !== task.lengths.reduce((a, b) => a + b) || !task.lengths.every((n) => (n - 15600) % 7680 === 0)) process.exit(1)
console.log(JSON.stringify({ version: "0.0", answers: task.files.map(() => task.lengths.map(() => ${answer})) }))
`
  await writeFile(path, program)
  await chmod(path, 0o755)
  return path
}

test("a new version's certificate names what was held out, what its device files take, and what was run by then", async () => {
  const certificate = await certificateOf()
  expect(certificate.recordings.length).toBeGreaterThanOrEqual(2)
  expect(certificate.devices.map(({ file }) => file)).toEqual(["ecosight.tflite", "ecosight_int8.tflite"])
  expect(certificate.devices[0]!.operators).toMatchObject({ DEPTHWISE_CONV_2D: 13, SOFTMAX: 1 })
  expect(certificate.devices[1]!.bytes).toBeLessThan(certificate.devices[0]!.bytes / 2)
  expect(certificate.devices[1]!.arena).toBeLessThan(certificate.devices[0]!.arena)
  expect(certificate.results).toMatchObject([{ file: "classifier.onnx", agreement: 1, loses: false }])
  expect(certificate.not_run).toEqual(["ecosight.onnx", "ecosight.tflite", "ecosight_int8.tflite"])
})

test("without LiteRT, what onnxruntime runs is certified, and the rest is said not to have been run", async () => {
  const { certificate, notes } = await certified("no-such-python")
  expect(notes).toEqual(["There is no no-such-python: name a Python that has ai-edge-litert by --python."])
  expect(certificate.results.map(({ file, agreement }) => [file, agreement])).toEqual([
    ["classifier.onnx", 1],
    ["ecosight.onnx", 1]
  ])
  expect(certificate.not_run).toEqual(["ecosight.tflite", "ecosight_int8.tflite"])
  expect(await certificateOf()).toEqual(certificate)
  expect(await json(store, `models/versions/${runId}/certificate.json`)).toEqual(certificate)
})

test("on a store that may not be written it is told what the files are worth, and that nothing was kept", async () => {
  const before = await certificateOf()
  const looking = Layer.succeed(Store, readOnly(store, "This store is only looked at."))
  const { certificate, notes } = await Effect.runPromise(
    certify(runId, "no-such-python").pipe(Effect.provide(looking), Effect.provide(services))
  )
  expect(certificate.results.map(({ file }) => file)).toContain("ecosight.onnx")
  expect(notes).toContain("The certificate stays as it was: This store is only looked at.")
  expect(await certificateOf()).toEqual(before)
})

test("with it, a file that loses is marked", async () => {
  const { certificate, notes } = await certified(await standIn("[0, 1]"))
  expect(notes).toEqual([])
  expect(certificate.not_run).toEqual([])
  const files = certificate.results.filter(({ runtime }) => runtime === "LiteRT 0.0")
  expect(files.map(({ file }) => file)).toEqual(["ecosight.tflite", "ecosight_int8.tflite"])
  for (const { macro_f1, served_macro_f1, loses } of files) expect(loses).toBe(served_macro_f1 - macro_f1 > 0.01)
})

test("a Python without LiteRT costs a sentence", async () => {
  const { notes } = await certified("false")
  expect(notes).toEqual(["LiteRT does not run in false (it ended with 1): pip install ai-edge-litert there."])
})

test("what has changed since it was held out is not heard", async () => {
  const before = await certificateOf()
  await fill(store, [[before.recordings[0]!.key, sound("gun_shot", 4711)]])
  const { certificate, notes } = await certified("no-such-python")
  expect(notes).toContain("1 of the recordings held out are no longer there, or are others now.")
  const heard = certificate.results.find(({ file }) => file === "ecosight.onnx")
  expect(heard!.recordings).toBe(before.recordings.length - 1)
})

test("a version that has no certificate is named", async () => {
  const failure = certify("20200101T000000000Z-aaaaaa", "python3").pipe(Effect.provide(services), Effect.flip)
  expect(((await Effect.runPromise(failure)) as Error).message).toBe(
    "20200101T000000000Z-aaaaaa has no certificate.json: it was trained before there were any, or is none of this store's."
  )
})
