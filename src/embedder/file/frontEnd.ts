import type { FrontEnd } from "../frontEnd.ts"

/** What a front-end of plain sound is made of, in samples; it crosses to Workers. */
export type WaveformSettings = Pick<FrontEnd, "id" | "sampleRate" | "window" | "hop" | "vectors">

/** Keeps windows of digital silence equal: a click of one 16-bit step has 1e-9, what rounding leaves of silence 1e-14. */
const SILENCE = 1e-12

/**
 * Windows of sound as they are, for a network that takes a waveform. The tail is padded with silence to a whole window, and
 * each counts for its share of the energy in all of them: so what is mostly padding counts for little, and a shot is not
 * outvoted by what surrounds it.
 */
export const frontEndOf = (settings: WaveformSettings): FrontEnd => {
  const { window, hop } = settings
  return {
    ...settings,
    module: import.meta.path,
    settings,
    patchSize: window,
    versions: { frontEnd: "waveform-1", pooling: "energy-1" },
    prepare: (samples) => {
      const windows = 1 + Math.ceil(Math.max(0, samples.length - window) / hop)
      const out = new Float32Array(windows * window)
      for (let at = 0; at < windows; at++) out.set(samples.subarray(at * hop, at * hop + window), at * window)
      return out
    },
    weigh: (patches) => {
      const energies = Float64Array.from({ length: patches.length / window }, (_, at) => {
        let sum = SILENCE
        for (let i = at * window; i < (at + 1) * window; i++) sum += patches[i]! * patches[i]!
        return sum
      })
      const total = energies.reduce((sum, energy) => sum + energy, 0)
      return energies.map((energy) => energy / total)
    }
  }
}
