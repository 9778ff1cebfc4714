// Run by webgpu.test.ts as a process of its own: the driver is chosen before Dawn loads, and a crash is contained.
import { Effect } from "effect"
import { engineLayer } from "../../src/engine/choose.ts"
import { Engine } from "../../src/engine/engine.ts"
import { openWebgpu } from "../../src/engine/webgpu.ts"
import { logMelPatches, PATCH_SIZE } from "../../src/yamnet/frontend.ts"
import { someWeights } from "../yamnet/reference.ts"
import { chirp } from "../yamnet/signals.ts"

/** What the process writes to its last line. */
export interface WebgpuReport {
  readonly name: string
  readonly adapter: string
  readonly why: string
  readonly batch: number
  /** Of both patches, and of the second alone. */
  readonly embeddings: ReadonlyArray<ReadonlyArray<number>>
  /** Tensors alive after each batch. */
  readonly tensors: ReadonlyArray<number>
  /** What `embed` says after the device has complained. */
  readonly complaint: string
}

const program = Effect.gen(function* () {
  const { name, adapter, why, batch, embed } = yield* Engine
  const { tf } = yield* openWebgpu
  const patches = logMelPatches(chirp(19_000))
  const both = yield* embed(patches)
  const tensors = [tf.memory().numTensors]
  const second = yield* embed(patches.subarray(PATCH_SIZE))
  tensors.push(tf.memory().numTensors)

  const backend = tf.backend()
  if (!("device" in backend)) return yield* Effect.die("the backend has no device")
  const device = backend.device as GPUDevice
  device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE })
  const complaint = yield* embed(patches).pipe(Effect.flip)
  const embeddings = [both, second].map((values) => Array.from(values))
  const report: WebgpuReport = { name, adapter, why, batch, embeddings, tensors, complaint: complaint.message }
  console.log(JSON.stringify(report))
})

if (import.meta.main) {
  const weights = await Effect.runPromise(someWeights)
  await Effect.runPromise(program.pipe(Effect.provide(engineLayer({ engine: "webgpu", weights }))))
}
