import { floatsAt, kernels, Room } from "../sound/kernels/kernels.ts"

/** Adds `sigma` times standard normal deviates to `samples`: equal seeds (32 bits) give the same bits on every machine. */
export const addNormal = (samples: Float32Array, sigma: number, seed: number): void => {
  using room = new Room()
  const placed = room.place(samples)
  kernels.addNormal(placed, samples.length, sigma, seed)
  samples.set(floatsAt(placed, samples.length))
}
