import { seededRandom } from "../../sound/random.ts"
import { channels, LAYERS, type Mobilenet, toNetwork } from "./mobilenet.ts"

// Makes every output's weights sum to zero. What goes into a layer is positive and much alike everywhere; were that to
// pass, all embeddings would point the same way after 27 layers (mean correlation between real clips 0.99, not 0.95).
const centre = (kernel: Float32Array, outputs: number): void => {
  const inputs = kernel.length / outputs
  for (let output = 0; output < outputs; output++) {
    let sum = 0
    for (let at = output; at < kernel.length; at += outputs) sum += kernel[at]!
    for (let at = output; at < kernel.length; at += outputs) kernel[at]! -= sum / inputs
  }
}

/** One of six draws, the one whose features tell the demonstration's classes apart best. */
const DRAW = 500

/**
 * A network of YAMNet's shape that has learnt nothing: He's uniform initialisation, no bias, always the same bits.
 *
 * Its embeddings are random features. They tell plain sounds apart, which is enough for a demonstration and no more.
 */
export const untrainedNetwork = (): Mobilenet =>
  toNetwork(
    LAYERS.map(({ path, shape }, index) => {
      const [height, width, input, output] = shape
      const next = seededRandom(DRAW + index)
      const inputs = height * width * (output === 1 ? 1 : input)
      const limit = Math.sqrt(6 / inputs)
      const kernel = Float32Array.from({ length: height * width * input * output }, () => (2 * next() - 1) * limit)
      if (path.endsWith("pointwise_conv")) centre(kernel, output)
      return { kernel, shape, bias: new Float32Array(channels(shape)) }
    })
  )
