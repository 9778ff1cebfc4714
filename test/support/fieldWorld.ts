import { dogBark, gunShot } from "../../src/runs/demo/sounds.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"

/** Samples a second of the recordings here. */
const RATE = 16_000

/** What is to be heard in a recording, in seconds from its beginning, for half a second. */
export interface Call {
  readonly at: number
  readonly className: "dog_bark" | "gun_shot"
}

/** A field recording as a WAV file: quiet noise, and in it the calls. */
export const fieldRecording = (seconds: number, calls: ReadonlyArray<Call>, seed = 1): Uint8Array => {
  const random = seededRandom(seed)
  const samples = Float32Array.from({ length: seconds * RATE }, () => 0.002 * (random() - 0.5))
  for (const { at, className } of calls) {
    const make = className === "dog_bark" ? dogBark : gunShot
    const call = make(seededRandom(seed + at), RATE / 2)
    for (const [i, sample] of call.entries()) samples[Math.round(at * RATE) + i]! += sample / 2
  }
  return encodeWav({ samples, sampleRate: RATE }).bytes
}
