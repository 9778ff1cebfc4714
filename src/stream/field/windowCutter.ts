import type { FrontEnd } from "../../embedder/frontEnd.ts"
import { resample } from "../../sound/resample.ts"

/**
 * Windows that are made together, of about a minute: enough to tell how loud a place is. Stored parts begin at multiples of
 * it, so that a recording is cut alike wherever it begins.
 */
export const CHUNK_WINDOWS = 128

/** Seconds of sound beside a chunk that the resampling filter hears, several times as far as it reaches. */
const MARGIN_SECONDS = 0.05

/** Patches of consecutive windows. */
export interface PatchChunk {
  /** The place of the first one in the recording. */
  readonly first: number
  /** [windows * patchSize] */
  readonly patches: Float32Array
}

/**
 * Cuts a recording, as its samples come, into windows, and makes their patches: the same as of the whole recording at
 * once, in memory that does not grow with its length.
 *
 * Each chunk is resampled by itself, with what lies beside it, from a sample that both rates share. So it does not depend
 * on where the pieces end, nor on where in the recording one begins.
 */
export class WindowCutter {
  readonly #frontEnd: FrontEnd
  readonly #rate: number
  /** So many samples of the recording are as long as so many of the front-end's. */
  readonly #grid: { readonly own: number; readonly heard: number }
  /** The recording's samples from `#start` on, as far as they have come. */
  #held = new Float32Array()
  #filled = 0
  #start = 0
  #next: number

  /** @param rate of the recording, in Hz. @param first window to make, a multiple of CHUNK_WINDOWS. */
  constructor(frontEnd: FrontEnd, rate: number, first = 0) {
    this.#frontEnd = frontEnd
    this.#rate = rate
    this.#next = first
    const common = greatestCommonDivisor(rate, frontEnd.sampleRate)
    this.#grid = { own: rate / common, heard: frontEnd.sampleRate / common }
  }

  /** Windows so far, those before the first one included. */
  get windows(): number {
    return this.#next
  }

  /** Takes the samples that follow, and gives the chunks that they complete. */
  *push(samples: Float32Array): Generator<PatchChunk> {
    this.#hold(samples)
    for (;;) {
      const { begin, end, skip } = this.#place()
      if (this.#start + this.#filled < end) return
      const { hop, window } = this.#frontEnd
      yield this.#chunk(begin, end, skip, (CHUNK_WINDOWS - 1) * hop + window)
    }
  }

  /** What is left: the tail is padded with silence, as a recording's is. */
  *end(): Generator<PatchChunk> {
    const { sampleRate, hop, window } = this.#frontEnd
    const came = this.#start + this.#filled
    const total = Math.ceil((came * sampleRate) / this.#rate)
    for (;;) {
      const left = total - this.#next * hop
      if (total === 0 || (this.#next > 0 && left <= window - hop)) return
      const { begin, skip } = this.#place()
      yield this.#chunk(begin, came, skip, Math.min(left, (CHUNK_WINDOWS - 1) * hop + window))
    }
  }

  /** The recording's samples that the next chunk needs, and the front-end's that come before it. */
  #place() {
    const { sampleRate, hop, window } = this.#frontEnd
    const { own, heard } = this.#grid
    const from = this.#next * hop
    const margin = MARGIN_SECONDS * sampleRate
    const steps = Math.max(0, Math.floor((from - margin) / heard))
    const to = from + (CHUNK_WINDOWS - 1) * hop + window + margin
    return { begin: steps * own, skip: from - steps * heard, end: Math.ceil((to * this.#rate) / sampleRate) }
  }

  #chunk(begin: number, end: number, skip: number, length: number): PatchChunk {
    const { sampleRate, prepare, patchSize } = this.#frontEnd
    const samples = this.#held.subarray(begin - this.#start, end - this.#start)
    const heard = this.#rate === sampleRate ? samples : resample(samples, this.#rate, sampleRate, skip + length)
    const first = this.#next
    const patches = prepare(heard.subarray(skip, skip + length))
    this.#next += patches.length / patchSize
    this.#forget(this.#place().begin)
    return { first, patches }
  }

  #hold(samples: Float32Array): void {
    const begin = this.#place().begin
    // What lies before the first window that is wanted.
    const early = Math.min(samples.length, Math.max(0, begin - this.#start - this.#filled))
    if (early > 0) this.#start += early
    const wanted = samples.subarray(early)
    if (this.#filled + wanted.length > this.#held.length) {
      const larger = new Float32Array(2 * (this.#filled + wanted.length))
      larger.set(this.#held.subarray(0, this.#filled))
      this.#held = larger
    }
    this.#held.set(wanted, this.#filled)
    this.#filled += wanted.length
  }

  #forget(before: number): void {
    const gone = Math.min(before - this.#start, this.#filled)
    this.#held.copyWithin(0, gone, this.#filled)
    this.#filled -= gone
    this.#start += gone
  }
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))
