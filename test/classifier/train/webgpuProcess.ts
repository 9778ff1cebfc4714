// Run by webgpu.test.ts as a process of its own: the driver is chosen before Dawn loads, and a crash is contained.
import { Effect } from "effect"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { webgpuBackend } from "../../../src/classifier/train/webgpuBackend.ts"
import { openTensorflow } from "../../../src/embedder/webgpu/tensorflow.ts"
import { SMALL, smallProblem } from "../../support/problems.ts"
import { curve } from "./curve.ts"

/** What the process writes to its last line: losses and hits, epoch by epoch, and the tensors alive after each. */
export interface WebgpuReport {
  readonly backend: string
  readonly native: ReadonlyArray<number>
  readonly webgpu: ReadonlyArray<number>
  readonly tensors: ReadonlyArray<number>
}

const program = Effect.gen(function* () {
  const device = yield* openTensorflow
  const problem = smallProblem(SMALL.mlp, 40, 9)
  const tensors: Array<number> = []
  const onNative = yield* curve(nativeBackend, problem, 2)
  const onDevice = yield* curve(webgpuBackend(device), problem, 2, () => tensors.push(device.tf.memory().numTensors))
  const backend = device.tf.getBackend()
  const report: WebgpuReport = { backend, native: onNative.losses, webgpu: onDevice.losses, tensors }
  console.log(JSON.stringify(report))
})

if (import.meta.main) await Effect.runPromise(program)
