import type * as Tfjs from "@tensorflow/tfjs"
import { Effect } from "effect"
import { EngineError } from "../engine.ts"
import { type Device, openDevice } from "./device.ts"

/** TensorFlow.js on this machine's graphics card. */
export interface Tensorflow {
  readonly tf: typeof Tfjs
  /** Fails with what the device has complained of so far; WebGPU itself goes on with zeros. */
  readonly checkDevice: Effect.Effect<void, EngineError>
}

let registered: Device | undefined

/** TensorFlow.js with WebGPU as its backend, on this process's device. */
export const openTensorflow: Effect.Effect<Tensorflow, EngineError> = Effect.gen(function* () {
  const device = yield* openDevice
  const tf = yield* Effect.tryPromise({
    try: async () => {
      const tf = await import("@tensorflow/tfjs")
      if (registered === device) return tf
      const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu")
      tf.removeBackend("webgpu")
      tf.registerBackend("webgpu", () => new WebGPUBackend(device.gpu, device.adapter.gpu.info))
      if (!(await tf.setBackend("webgpu"))) throw new Error("its backend does not start")
      registered = device
      return tf
    },
    catch: (cause) => new EngineError({ message: `TensorFlow.js cannot use ${device.adapter.name}: ${cause}` })
  })
  return { tf, checkDevice: device.check }
})
