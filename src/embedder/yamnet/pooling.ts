import type { Graph } from "../onnx/graph.ts"
import { LOG_OFFSET, MEL_BANDS, PATCH_HOP_FRAMES, PATCH_SIZE } from "./logMel.ts"

/** Enters the recipe: changes whenever patches would count otherwise. */
export const POOLING_VERSION = "energy-1"

/** Keeps the patches of digital silence equal: a click of one 16-bit step has 1e-6, what rounding leaves of silence 6e-17. */
export const SILENCE = 1e-12

/**
 * What each patch of a clip counts for in its embedding: its share of the clip's energy, all shares together 1.
 *
 * A shot or a bark lasts for a patch or two of a clip's eight; where all count the same, its surroundings outvote it.
 * Gain changes nothing. Energy is what YAMNet hears: mel magnitudes from 125 to 7,500 Hz, squared, so wind and rumble
 * below do not count.
 *
 * Recordings are pooled so, and whatever is predicted from sound. Their augmented variants are plain means (see
 * `evenWeights`): EcoSight's API calls the model with plain means of its own, and a classifier that has met both knows
 * both (docs/decisions/pooling.md).
 *
 * @param patches Log-mel patches of one clip in order, [n * 96 * 64], the second half of one being the first of the next.
 */
export const patchWeights = (patches: Float32Array): Float64Array => {
  const count = patches.length / PATCH_SIZE
  const half = PATCH_HOP_FRAMES * MEL_BANDS
  // Halves that two patches share are summed up once.
  const halves = Float64Array.from({ length: count + 1 }, (_, at) =>
    energyOf(at < count ? patches.subarray(at * PATCH_SIZE, at * PATCH_SIZE + half) : patches.subarray(-half))
  )
  const energies = Float64Array.from({ length: count }, (_, at) => halves[at]! + halves[at + 1]! + SILENCE)
  const total = energies.reduce((sum, energy) => sum + energy, 0)
  return energies.map((energy) => energy / total)
}

const energyOf = (logMel: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < logMel.length; i++) sum += (Math.exp(logMel[i]!) - LOG_OFFSET) ** 2
  return sum
}

/**
 * Adds the same to a graph: patches [n, 96, 64] and their rows [n, rowSize] to the clip's row [1, rowSize], whose name it
 * returns.
 */
export const addPooling = (graph: Graph, patches: string, rows: string): string => {
  const magnitudes = graph.op("Sub", [graph.op("Exp", [patches]), graph.scalar(LOG_OFFSET)])
  const frames = graph.op("ReduceSumSquare", [magnitudes], { axes: [1, 2], keepdims: 0 })
  const energies = graph.op("Add", [frames, graph.scalar(SILENCE)])
  const total = graph.op("ReduceSum", [energies, graph.integers([0])], { keepdims: 1 })
  const weights = graph.op("Unsqueeze", [graph.op("Div", [energies, total]), graph.integers([0])])
  return graph.op("MatMul", [weights, rows])
}
