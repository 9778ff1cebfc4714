import { expect, test } from "bun:test"
import * as tf from "@tensorflow/tfjs"
import { Effect } from "effect"
import type { Backend, Problem } from "../../../src/classifier/train/backend.ts"
import { nativeBackend } from "../../../src/classifier/train/native.ts"
import { webgpuBackend } from "../../../src/classifier/train/webgpu.ts"
import { relativeDistance, SMALL, smallPass, smallProblem } from "../problems.ts"

await tf.setBackend("cpu")

/** Loss curve and weights of some epochs; `watch` sees the trainer's memory after each. */
const curve = (backend: Backend, problem: Problem, epochs: number, watch: () => void = () => {}) =>
  Effect.gen(function* () {
    const trainer = yield* backend.open(problem)
    const losses: Array<number> = []
    for (let epoch = 0; epoch < epochs; epoch++) {
      const pass = smallPass(problem, 8, 100 + epoch)
      const score = yield* trainer.run({
        ...pass,
        learningRate: 1e-3,
        firstStep: 1 + epoch * (pass.borders.length - 1)
      })
      const validation = yield* trainer.validate
      losses.push(score.loss, score.hits, validation.loss, validation.hits)
      watch()
    }
    return { losses, weights: yield* trainer.weights }
  }).pipe(Effect.scoped, Effect.runPromise)

test.each(["mlp", "linear"] as const)("tfjs and onnxruntime train %s alike", async (head) => {
  const problem = smallProblem(SMALL[head], 41, 9)
  const [native, tensorflow] = [await curve(nativeBackend, problem, 6), await curve(webgpuBackend(tf), problem, 6)]
  expect(relativeDistance(tensorflow.losses, native.losses)).toBeLessThan(1e-5)
  for (const [name, values] of Object.entries(native.weights)) {
    expect(relativeDistance(tensorflow.weights[name as "kernel0"]!, values), name).toBeLessThan(1e-4)
  }
})

test("training holds a constant number of tensors, and none afterwards", async () => {
  const before = tf.memory().numTensors
  const during: Array<number> = []
  await curve(webgpuBackend(tf), smallProblem(SMALL.mlp, 40, 9), 4, () => during.push(tf.memory().numTensors))
  expect(new Set(during).size).toBe(1)
  expect(during[0]).toBeGreaterThan(before)
  expect(tf.memory().numTensors).toBe(before)
})
