/** The sum of squares. */
export const energyOf = (samples: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < samples.length; i++) sum += samples[i]! * samples[i]!
  return sum
}

/** A mean square, and a little, so that it can be divided by. */
const meanSquare = (energy: number, length: number): number => energy / Math.max(1, length) + 1e-12

/** The mean square of sound. */
export const power = (samples: Float32Array): number => meanSquare(energyOf(samples), samples.length)

/** The consecutive `length` samples that hold the most energy, the first of several; all where there are no more. */
export const loudestPart = (samples: Float32Array, length: number): Float32Array => {
  if (samples.length <= length) return samples
  let energy = 0
  for (let i = 0; i < length; i++) energy += samples[i]! ** 2
  let [most, start] = [energy, 0]
  for (let i = length; i < samples.length; i++) {
    energy += samples[i]! ** 2 - samples[i - length]! ** 2
    if (energy > most) [most, start] = [energy, i - length + 1]
  }
  return samples.subarray(start, start + length)
}

/** How loud sample `at` of so many is where they rise from silence over `fade` samples and fall back to it: 0 to 1. */
export const ramp = (at: number, length: number, fade: number): number => {
  const edge = Math.min(at, length - 1 - at)
  return edge >= fade ? 1 : (edge + 0.5) / fade
}

/** The power of sound that comes and goes so. */
export const fadedPower = (samples: Float32Array, fade: number): number => {
  let sum = 0
  for (let i = 0; i < samples.length; i++) {
    const sample = Math.fround(samples[i]! * ramp(i, samples.length, fade))
    sum += sample * sample
  }
  return meanSquare(sum, samples.length)
}
