import { expect, test } from "bun:test"
import { mkdir, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Effect, Result } from "effect"
import { engineLayer } from "../../../src/embedder/choose.ts"
import { leftOut } from "../../../src/embedder/embedder.ts"
import { Engine } from "../../../src/embedder/engine.ts"
import { describeFile, frontEndIn, openEmbedderFile } from "../../../src/embedder/file/embedderFile.ts"
import { importFrontEnd } from "../../../src/embedder/frontEnd.ts"
import { Graph } from "../../../src/embedder/onnx/graph.ts"
import { descriptionOf, type MadeEmbedder, onnxEmbedder, writeOnnxEmbedder } from "../../support/onnxEmbedder.ts"
import { folderOf } from "../../support/program.ts"

const opened = (file: string) => Effect.runPromise(Effect.result(openEmbedderFile(file)))
const open = async (file: string) => Result.getOrThrow(await opened(file))
const refusal = async (file: string) => {
  const result = await opened(file)
  return Result.isFailure(result) ? result.failure.message : "none"
}

/** The sentence about a file whose description or bytes are others. */
const refusalOf = async (
  about: { readonly json?: unknown; readonly bytes?: Uint8Array; readonly says?: object },
  made: MadeEmbedder = {}
) => {
  await using folder = await folderOf({})
  const file = await writeOnnxEmbedder(folder.root, made)
  const bytes = about.bytes ?? onnxEmbedder(made)
  await Bun.write(file, bytes)
  const json = about.json ?? { ...descriptionOf(bytes, made), ...about.says }
  await Bun.write(join(dirname(file), "embedder.json"), typeof json === "string" ? json : JSON.stringify(json))
  return (await refusal(file)).replaceAll(`${dirname(file)}/`, "")
}

const tone = (samples: number, hertz: number, rate = 8000) =>
  Float32Array.from({ length: samples }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hertz * i) / rate))

const embed = (embedder: Effect.Success<ReturnType<typeof openEmbedderFile>>, samples: Float32Array) =>
  Engine.use((engine) => engine.embed(embedder.frontEnd.prepare(samples))).pipe(
    Effect.provide(engineLayer({ engine: "native", embedder, threads: 1 })),
    Effect.runPromise
  )

test("a file is an embedder of the id, rate, window, hop and vectors that embedder.json says", async () => {
  await using folder = await folderOf({})
  const embedder = await open(await writeOnnxEmbedder(folder.root))
  const { frontEnd } = embedder
  expect(frontEnd.id).toBe(`bands@${embedder.hash.slice(0, 8)}`)
  expect(frontEnd).toMatchObject({ sampleRate: 8000, window: 4000, hop: 2000, vectors: { embedding: 12 } })
  // 1 s: windows at 0, 0.25 and 0.5 s; of 1.01 s a fourth, mostly padding, which hardly counts.
  expect(frontEnd.prepare(tone(8000, 320))).toHaveLength(3 * 4000)
  const weights = frontEnd.weigh(frontEnd.prepare(tone(8080, 320)))
  expect(weights).toHaveLength(4)
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
  expect(weights[3]!).toBeLessThan(0.8 * weights[0]!)
  expect(leftOut(embedder).join(" ")).toContain("Its licence: CC0-1.0, made by a test.")
})

test("a Worker makes the same windows, from what crosses to it", async () => {
  await using folder = await folderOf({})
  const frontEnd = frontEndIn(await Effect.runPromise(describeFile(await writeOnnxEmbedder(folder.root))))
  const { module, settings } = frontEnd
  const crossed = await importFrontEnd(structuredClone({ module, settings }))
  const samples = tone(9000, 500)
  expect(crossed.prepare(samples)).toEqual(frontEnd.prepare(samples))
  expect(crossed.id).toBe(frontEnd.id)
})

test("vectors do not depend on how the model takes its windows: any number, three at a time, one by one, with a channel", async () => {
  const shapes = [undefined, [3, 4000], [1, 4000], ["n", 1, 4000], ["n", "samples"]] as const
  const sound = tone(8000, 480)
  const rows = await Promise.all(
    shapes.map(async (shape, at) => {
      await using folder = await folderOf({})
      const id = `bands${at}`
      const embedder = await open(await writeOnnxEmbedder(folder.root, shape === undefined ? { id } : { id, shape }))
      const batch = embedder.batch ?? 0
      expect(batch).toBe(at === 1 ? 3 : at === 2 ? 1 : 8)
      const first = sound.subarray(0, 4000)
      return [...(await embed(embedder, first))]
    })
  )
  for (const row of rows) for (const [at, value] of row.entries()) expect(value).toBeCloseTo(rows[0]![at]!, 4)
  expect(Math.max(...rows[0]!)).toBe(rows[0]![2]!)
})

test("several outputs lie side by side in a row, in the description's order", async () => {
  await using folder = await folderOf({})
  const file = await writeOnnxEmbedder(folder.root)
  const says = { ...descriptionOf(onnxEmbedder()), outputs: { loudness: 1, embedding: 12 } }
  await Bun.write(join(dirname(file), "embedder.json"), JSON.stringify(says))
  const embedder = await open(file)
  const row = await embed(embedder, tone(6000, 480))
  expect(row).toHaveLength(2 * 13)
  for (const at of [0, 13]) {
    const levels = [...row.slice(at + 1, at + 13)]
    expect(row[at]!).toBeCloseTo(levels.reduce((sum, level) => sum + level, 0) / 12, 4)
  }
})

test("an embedder.json that is not whole is refused by what it lacks", async () => {
  const whole = descriptionOf(onnxEmbedder())
  const without = (name: string) => Object.fromEntries(Object.entries(whole).filter(([member]) => member !== name))
  expect(await refusalOf({ json: without("licence") })).toBe(
    `embedder.json lacks "licence": it must be the embedder's licence in words: every model card says it.`
  )
  expect(await refusalOf({ json: { ...whole, licence: " " } })).toContain('has " " as "licence", which must be')
  expect(await refusalOf({ json: without("sha256") })).toContain('lacks "sha256"')
  expect(await refusalOf({ json: { ...whole, sample_rate: "8 kHz" } })).toBe(
    'embedder.json has "8 kHz" as "sample_rate", which must be a whole number of Hz from 1000 to 384000.'
  )
  expect(await refusalOf({ json: { ...whole, outputs: {} } })).toContain('has {} as "outputs"')
  expect(await refusalOf({ json: { ...whole, hop: 2 } })).toContain("a hop of 2 s, longer than the window of 0.5 s")
  expect(await refusalOf({ json: { ...whole, window: 0.50001 } })).toContain("no whole number of samples")
  expect(await refusalOf({ json: "perch" })).toBe("embedder.json is no JSON object.")
  expect(await refusalOf({ json: [1] })).toBe("embedder.json is no JSON object.")
})

test("a byte order mark, which editors put in front of a text, is no part of embedder.json", async () => {
  expect(await refusalOf({ json: `\ufeff${JSON.stringify(descriptionOf(onnxEmbedder()))}` })).toBe("none")
})

test("an embedder.json that lies is refused by what is otherwise", async () => {
  expect(await refusalOf({ says: { sha256: "0".repeat(64) } })).toMatch(
    /^model.onnx is not the file that embedder.json describes: its SHA-256 is [0-9a-f]{64}, not 0{64}\.$/
  )
  expect(await refusalOf({ says: { outputs: { embedding: 1024 } } })).toBe(
    'model.onnx gives 12 floats a window as "embedding", but embedder.json says 1024.'
  )
  expect(await refusalOf({ says: { sample_rate: 16_000 } })).toBe(
    "model.onnx takes windows of 4000 samples, but embedder.json says 0.5 s at 16000 Hz, which are 8000."
  )
  expect(await refusalOf({ says: { outputs: { scores: 12 } } })).toBe(
    'model.onnx has no output "scores", which embedder.json names, but "embedding", "loudness".'
  )
})

const graphOf = (build: (graph: Graph) => void) => {
  const graph = new Graph("other")
  build(graph)
  return graph.model()
}

test("a file that is no such embedder is refused by what it is", async () => {
  expect(await refusalOf({ bytes: new TextEncoder().encode("<html>404</html>") })).toBe("model.onnx is no ONNX file.")
  expect(await refusalOf({ bytes: onnxEmbedder().slice(0, 3000) })).toBe("model.onnx is no ONNX file.")
  expect(await refusalOf({ bytes: new Uint8Array() })).toBe("model.onnx is no ONNX file.")
  const patches = graphOf((graph) => {
    graph.op("Flatten", [graph.input("patches", ["n", 1, 64, 96])], {}, "embedding")
    graph.output("embedding", ["n", 6144])
  })
  expect(await refusalOf({ bytes: patches })).toBe(
    "model.onnx takes [n, 1, 64, 96], but an embedder takes a waveform, [batch, samples] or [batch, 1, samples]."
  )
  const two = graphOf((graph) => {
    graph.op("Add", [graph.input("a", ["n", 4000]), graph.input("b", ["n", 4000])], {}, "embedding")
    graph.output("embedding", ["n", 4000])
  })
  expect(await refusalOf({ bytes: two })).toContain('takes 2 inputs ("a", "b"), but an embedder takes one')
  const constant = graphOf((graph) => {
    const zeros = graph.floats(new Float32Array(4000 * 12), [4000, 12])
    graph.op("MatMul", [graph.input("waveform", ["n", 4000]), zeros], {}, "embedding")
    graph.output("embedding", ["n", 12])
  })
  expect(await refusalOf({ bytes: constant })).toBe('model.onnx gives noise and a tone the same vector, "embedding".')
  const broken = graphOf((graph) => {
    graph.op("Log", [graph.input("waveform", ["n", 4000])], {}, "embedding")
    graph.output("embedding", ["n", 4000])
  })
  expect(await refusalOf({ bytes: broken, says: { outputs: { embedding: 4000 } } })).toBe(
    'model.onnx gives "embedding" that are not numbers.'
  )
  const mixing = graphOf((graph) => {
    const waveform = graph.input("waveform", ["n", 4000])
    graph.op("CumSum", [waveform, graph.integers(0)], {}, "embedding")
    graph.output("embedding", ["n", 4000])
  })
  expect(await refusalOf({ bytes: mixing, says: { outputs: { embedding: 4000 } } })).toBe(
    'model.onnx gives one sound different vectors, "embedding", by where in a batch it lies.'
  )
})

test("files that are not there are named, and what they are for", async () => {
  await using folder = await folderOf({})
  const nowhere = join(folder.root, "perch.onnx")
  expect(await refusal(nowhere)).toBe(`${nowhere} cannot be read: EMBEDDER and --to take the path of an ONNX file.`)
  await mkdir(join(folder.root, "folder.onnx"))
  expect(await refusal(join(folder.root, "folder.onnx"))).toContain("cannot be read")
  const file = await writeOnnxEmbedder(folder.root)
  await rm(join(dirname(file), "embedder.json"))
  expect(await refusal(file)).toBe(
    `${file} needs embedder.json beside it, which cannot be read: it says what the embedder is.`
  )
})
