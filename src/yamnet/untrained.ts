import { LAYERS, type Network, toNetwork } from "./layers.ts"

// mulberry32: 32-bit integer arithmetic, the same on every machine.
const uniform = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * A network of YAMNet's shape that has learnt nothing: He's uniform initialisation, no bias, always the same bits.
 *
 * Its embeddings are random features. They tell plain sounds apart, which is enough for a demonstration and no more.
 */
export const untrainedNetwork = (): Network =>
  toNetwork(
    LAYERS.map(({ shape }, index) => {
      const [height, width, input, output] = shape
      const next = uniform(index)
      const inputs = height * width * (output === 1 ? 1 : input)
      const limit = Math.sqrt(6 / inputs)
      const kernel = Float32Array.from({ length: height * width * input * output }, () => (2 * next() - 1) * limit)
      return { kernel, shape, bias: new Float32Array(output === 1 ? input : output) }
    })
  )
