import { concatenate } from "../sound/floats.ts"
import { type DenseNetwork, type Weights, weightsFrom } from "./denseNetwork.ts"

/**
 * Joins networks of one shape into a single one whose logits are the mean of theirs.
 *
 * Hidden layers lie side by side: the first sees the same features, later ones see their own (zeros elsewhere), and the
 * last takes the mean. Without hidden layers the mean of the weights is all there is to it. So an ensemble is exported
 * as any network is.
 */
export const joinMembers = (
  network: DenseNetwork,
  members: ReadonlyArray<Weights>
): { readonly network: DenseNetwork; readonly weights: Weights } => {
  const count = members.length
  if (count === 1) return { network, weights: members[0]! }
  const last = network.units.length - 2
  const units = network.units.map((own, layer) => (layer === 0 || layer > last ? own : own * count))
  const joined = { ...network, units }
  return {
    network: joined,
    weights: weightsFrom(joined, ({ name, kind, layer, shape }) => {
      const parts = members.map((weights) => weights[name]!)
      if (kind !== "kernel") return layer === last ? meanOf(parts) : concatenate(parts)
      if (last === 0) return meanOf(parts)
      const [inputs, outputs] = [network.units[layer]!, network.units[layer + 1]!]
      const kernel = new Float32Array(shape[0] * shape[1]!)
      for (const [member, part] of parts.entries()) {
        const firstRow = layer === 0 ? 0 : member * inputs
        const firstColumn = layer === last ? 0 : member * outputs
        for (let at = 0; at < part.length; at++) {
          const row = firstRow + Math.floor(at / outputs)
          kernel[row * shape[1]! + firstColumn + (at % outputs)] = part[at]! / (layer === last ? count : 1)
        }
      }
      return kernel
    })
  }
}

const meanOf = (parts: ReadonlyArray<Float32Array>): Float32Array =>
  parts[0]!.map((_, at) => parts.reduce((sum, part) => sum + part[at]!, 0) / parts.length)
