import { PATCH_SIZE } from "../../src/embedder/yamnet/logMel.ts"
import { EMBEDDING_SIZE } from "../../src/embedder/yamnet/mobilenet.ts"

/** Microseconds that a batch takes to and from the device by itself, as the executor moves it. */
export interface Transfers {
  readonly upload: number
  readonly readBack: number
}

const ROUNDS = 9

const median = async (work: () => Promise<unknown>) => {
  const times: Array<number> = []
  for (let round = 0; round <= ROUNDS; round++) {
    const began = performance.now()
    await work()
    times.push(1000 * (performance.now() - began))
  }
  // The first one warms up.
  return times.slice(1).sort((a, b) => a - b)[(ROUNDS - 1) / 2]!
}

/** Measures both, for so many patches: from and to the host's memory. */
export const measureTransfers = async (device: GPUDevice, batch: number): Promise<Transfers> => {
  const { COPY_DST, COPY_SRC, MAP_READ, MAP_WRITE, STORAGE } = GPUBufferUsage
  const patches = new Float32Array(batch * PATCH_SIZE)
  const bytes = 4 * batch * EMBEDDING_SIZE
  const there = device.createBuffer({ size: patches.byteLength, usage: STORAGE | COPY_DST | COPY_SRC })
  const here = device.createBuffer({ size: bytes, usage: MAP_READ | COPY_DST })
  const staging = device.createBuffer({
    size: patches.byteLength,
    usage: MAP_WRITE | COPY_SRC,
    mappedAtCreation: true
  })
  return {
    upload: await median(() => {
      new Float32Array(staging.getMappedRange()).set(patches)
      staging.unmap()
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(staging, 0, there, 0, patches.byteLength)
      device.queue.submit([encoder.finish()])
      return staging.mapAsync(GPUMapMode.WRITE)
    }),
    readBack: await median(async () => {
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(there, 0, here, 0, bytes)
      device.queue.submit([encoder.finish()])
      await here.mapAsync(GPUMapMode.READ)
      const read = new Float32Array(here.getMappedRange()).slice()
      here.unmap()
      return read
    })
  }
}
