import { expect, test } from "bun:test"
import { type Certificate, resultOf, withResults } from "../../../src/classifier/export/certificate.ts"

const certificate: Certificate = {
  run_id: "a",
  classes: ["dog", "gun"],
  window: { sample_rate: 16_000, samples: 15_600, hop: 7_680 },
  devices: [],
  results: [],
  not_run: ["ecosight.onnx", "ecosight.tflite"],
  recordings: [
    { key: "1", class: "dog", served: [0.9, 0.1] },
    { key: "2", class: "dog", served: [0.6, 0.4] },
    { key: "3", class: "gun", served: [0.2, 0.8] },
    { key: "4", class: "gun", served: [0.3, 0.7] }
  ]
}
const by = { file: "ecosight.tflite", runtime: "LiteRT 2" }

test("a file that answers as what is served does loses nothing", () => {
  const answers = certificate.recordings.flatMap(({ served }) => served)
  expect(resultOf(certificate, by, [0, 1, 2, 3], answers)).toEqual({
    ...by,
    recordings: 4,
    agreement: 1,
    macro_f1: 1,
    served_macro_f1: 1,
    largest_difference: 0,
    loses: false
  })
})

test("one that loses more than 0.01 of macro-F1 is marked, on the recordings that it heard", () => {
  const result = resultOf(certificate, by, [1, 2, 3], [0.4, 0.6, 0.2, 0.8, 0.3, 0.7])
  expect(result).toMatchObject({ recordings: 3, served_macro_f1: 1, loses: true })
  expect(result.agreement).toBeCloseTo(2 / 3)
  expect(result.macro_f1).toBeCloseTo(0.4)
  expect(result.largest_difference).toBeCloseTo(0.2)
})

test("a file's result takes the place of what was said of it before", () => {
  const result = resultOf(certificate, by, [0], [0.9, 0.1])
  const once = withResults(certificate, [result])
  expect(once).toMatchObject({ not_run: ["ecosight.onnx"], results: [result] })
  const again = { ...result, runtime: "LiteRT 3" }
  expect(withResults(once, [again]).results).toEqual([again])
})
