import { expect, test } from "bun:test"
import { Effect } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { predict, vectorsSeen } from "../../../src/classifier/classifier.ts"
import { vectorsOf } from "../../../src/classifier/dataset.ts"
import { classifierModel, edgeModel, FIELD_INPUTS, fieldModel } from "../../../src/classifier/export/onnx.ts"
import { HEAD_NAMES } from "../../../src/classifier/heads/heads.ts"
import { rowSize } from "../../../src/embedder/frontEnd.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"
import { yamnetOf } from "../../../src/embedder/yamnet/yamnet.ts"
import { codeVectors, decodeVectors } from "../../../src/embeddings/scans/coding.ts"
import { corpus, tapped, trainOn, WITH_TAPS } from "../../support/trainingRuns.ts"
import { embedWaveform } from "../../support/waveform.ts"

const yamnet = untrainedNetwork()
const embedder = yamnetOf({ ...yamnet, hash: "none", source: "a seed", embedder: "untrained" })

const run = async (
  model: Uint8Array,
  input: string,
  values: Float32Array | Uint8Array,
  shape: ReadonlyArray<number>,
  ranges?: Float32Array
) => {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const tensor =
    values instanceof Uint8Array ? new Tensor("uint8", values, shape) : new Tensor("float32", values, shape)
  const asksRanges = ranges !== undefined && session.inputNames.includes(FIELD_INPUTS.ranges)
  const own = asksRanges && {
    [FIELD_INPUTS.ranges]: new Tensor("float32", ranges, [shape[1]!, ranges.length / shape[1]!])
  }
  const { probabilities } = await session.run({ [input]: tensor, ...own })
  const [data, dims] = [Float32Array.from(probabilities!.data as Float32Array), probabilities!.dims]
  await session.release()
  return { data, dims }
}

const expectClose = (actual: Float32Array, expected: Float32Array, tolerance: number) => {
  expect(actual.length).toBe(expected.length)
  expect(Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)))).toBeLessThan(tolerance)
}

test.each(HEAD_NAMES)("classifier.onnx of %s predicts as the classifier does", async (head) => {
  const { classifier, dataset } = await Effect.runPromise(trainOn(tapped(corpus(6)), { head, epochs: 3 }))
  const vectors = vectorsOf(dataset, [...dataset.samples.keys()])
  const expected = predict(classifier, vectors)
  const { data, dims } = await run(classifierModel(classifier, dataset.vectors), "embedding", vectors, [
    60,
    dataset.width
  ])
  expect(dims).toEqual([60, 3])
  expectClose(data, expected, 1e-5)
  expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5)
})

test.each(HEAD_NAMES)(
  "field.onnx of %s predicts coded windows as the classifier does, by the same bits anywhere",
  async (head) => {
    const { classifier, dataset } = await Effect.runPromise(trainOn(tapped(corpus(6)), { head, epochs: 3 }))
    const rows = vectorsOf(dataset, [...dataset.samples.keys()])
    const sizes = Object.values(dataset.vectors)
    // A window in which nothing differs, too.
    rows.fill(0.25, 0, dataset.width)
    decodeVectors(codeVectors(rows, sizes), sizes, 0, 60, rows)
    const model = fieldModel(classifier, dataset.vectors)
    // It takes the vectors up to the last one that the classifier sees.
    const seen = vectorsSeen(classifier, dataset.vectors)
    const width = rowSize({ vectors: seen })
    const predicted = (own: Float32Array) => {
      const first = own.filter((_, at) => at % dataset.width < width)
      const { count, codes, ranges } = codeVectors(first, Object.values(seen))
      return run(model, "codes", codes, [width, count], ranges)
    }
    const { data, dims } = await predicted(rows)
    expect(dims).toEqual([60, 3])
    // Kernels of whole numbers have fourteen bits.
    expectClose(data, predict(classifier, rows), 5e-4)
    const alone = await predicted(rows.subarray(47 * dataset.width))
    expect(alone.data).toEqual(data.subarray(47 * 3))
  }
)

test("a classifier of embeddings alone takes whole rows, too, and passes the rest over", async () => {
  const { classifier, dataset } = await Effect.runPromise(trainOn(corpus(6), { head: "linear", epochs: 3 }))
  const width = rowSize({ vectors: WITH_TAPS })
  const rows = vectorsOf({ ...dataset, width, samples: tapped(dataset.samples) }, [...dataset.samples.keys()])
  const { data } = await run(classifierModel(classifier, WITH_TAPS), "embedding", rows, [60, width])
  expectClose(data, predict(classifier, vectorsOf(dataset, [...dataset.samples.keys()])), 1e-5)
})

test.each([200, 16_000, 40_123])("ecosight.onnx predicts from a waveform of %i samples", async (samples) => {
  const { classifier } = await Effect.runPromise(trainOn(tapped(corpus(6)), { head: "layers", epochs: 3 }))
  const waveform = Float32Array.from({ length: samples }, (_, i) => 0.4 * Math.sin(i / 5) * Math.sin(i / 3000))
  const { data, dims } = await run(
    edgeModel(classifier, { frontEnd: embedder.frontEnd, addTo: embedder.addTo! }),
    "waveform",
    waveform,
    [samples]
  )
  expect(dims).toEqual([1, 3])
  // The graph's front-end works in single precision.
  expectClose(data, predict(classifier, await embedWaveform(waveform, yamnet)), 1e-4)
})
