import { expect, test } from "bun:test"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs"
import { Effect } from "effect"
import type { Backend } from "../../../src/classifier/train/backend.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { webgpuBackend } from "../../../src/classifier/train/webgpuBackend.ts"
import { EngineError } from "../../../src/embedder/engine.ts"
import { hasDriver, needsDriver, runOnDriver } from "../../support/fixtures.ts"
import { relativeDistance, SMALL, smallProblem } from "../../support/problems.ts"
import { curve } from "./curve.ts"
import type { WebgpuReport } from "./webgpuProcess.ts"

await tf.setBackend("cpu")
const cpu = webgpuBackend({ tf, checkDevice: Effect.void })

test.each(["mlp", "linear", "mixed"] as const)("tfjs and onnxruntime train %s alike", async (head) => {
  const problem = smallProblem(SMALL[head], 41, 7)
  const run = (backend: Backend) => Effect.runPromise(curve(backend, problem, 6))
  const [native, tensorflow] = [await run(nativeBackend), await run(cpu)]
  expect(relativeDistance(tensorflow.losses, native.losses)).toBeLessThan(1e-5)
  for (const [name, values] of Object.entries(native.weights)) {
    expect(relativeDistance(tensorflow.weights[name as "kernel0"]!, values), name).toBeLessThan(1e-4)
  }
})

test("training holds a constant number of tensors, and none afterwards", async () => {
  const before = tf.memory().numTensors
  const during: Array<number> = []
  const watch = () => during.push(tf.memory().numTensors)
  await Effect.runPromise(curve(cpu, smallProblem(SMALL.mlp, 40, 9), 4, watch))
  expect(new Set(during).size).toBe(1)
  expect(during[0]).toBeGreaterThan(before)
  expect(tf.memory().numTensors).toBe(before)
})

test("a device that has failed stops the training with what it said", async () => {
  const checkDevice = Effect.fail(new EngineError({ message: "WebGPU failed on a card: out of memory" }))
  const failing = webgpuBackend({ tf, checkDevice })
  const trained = curve(failing, smallProblem(SMALL.mlp, 40, 9), 1)
  expect(await Effect.runPromise(Effect.flip(trained))).toMatchObject({
    _tag: "TrainingError",
    message: "WebGPU failed on a card: out of memory"
  })
})

test.skipIf(!hasDriver)(
  `a WebGPU device trains as onnxruntime does${needsDriver}`,
  async () => {
    const { backend, native, webgpu, tensors } = (await runOnDriver(
      join(import.meta.dir, "webgpuProcess.ts")
    )) as WebgpuReport
    expect(backend).toBe("webgpu")
    expect(relativeDistance(webgpu, native)).toBeLessThan(1e-3)
    expect(new Set(tensors).size).toBe(1)
  },
  120_000
)
