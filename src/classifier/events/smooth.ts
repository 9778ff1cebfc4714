/**
 * Each class's probability as the mean over `across` windows around it, an odd number; at both ends over those that there
 * are. [windows * classes] in and out.
 */
export const smooth = (probabilities: Float32Array, classes: number, across: number): Float32Array => {
  if (across <= 1) return probabilities
  const reach = Math.floor(across / 2)
  const windows = probabilities.length / classes
  const smoothed = new Float32Array(probabilities.length)
  for (let at = 0; at < windows; at++) {
    const from = Math.max(0, at - reach)
    const to = Math.min(windows - 1, at + reach)
    for (let column = 0; column < classes; column++) {
      let sum = 0
      for (let other = from; other <= to; other++) sum += probabilities[other * classes + column]!
      smoothed[at * classes + column] = sum / (to - from + 1)
    }
  }
  return smoothed
}
