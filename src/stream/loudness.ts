import { concatenate } from "../sound/floats.ts"

/** A second of sound, or what is left of one at the end. */
interface Second {
  readonly parts: ReadonlyArray<Float32Array>
  /** About its own mean. */
  readonly energy: number
}

/** Cuts samples, as they come, into seconds. */
export class SecondCutter {
  readonly #rate: number
  #parts: Array<Float32Array> = []
  #count = 0
  #sum = 0
  #squares = 0

  /** @param rate in Hz. */
  constructor(rate: number) {
    this.#rate = rate
  }

  *push(samples: Float32Array): Generator<Second> {
    for (let at = 0; at < samples.length; ) {
      const part = samples.subarray(at, at + Math.ceil(this.#rate) - this.#count)
      let [sum, squares] = [this.#sum, this.#squares]
      for (let i = 0; i < part.length; i++) {
        const sample = part[i]!
        sum += sample
        squares += sample * sample
      }
      this.#sum = sum
      this.#squares = squares
      this.#parts.push(part)
      this.#count += part.length
      at += part.length
      if (this.#count >= this.#rate) yield* this.end()
    }
  }

  /** What is left. */
  *end(): Generator<Second> {
    if (this.#count === 0) return
    const energy = Math.max(0, this.#squares - this.#sum ** 2 / this.#count)
    yield { parts: this.#parts, energy }
    this.#parts = []
    this.#count = 0
    this.#sum = 0
    this.#squares = 0
  }
}

/** Finds, as seconds come, at which the loudest stretch of so many begins: the first of those that are as loud. */
export class LoudestStretch {
  readonly #length: number
  readonly #energies: Array<number> = []
  #sum = 0
  #most = 0
  first = 0

  constructor(seconds: number) {
    this.#length = Math.ceil(seconds)
  }

  /** Takes the energy of the next second; whether the stretch that ends with it is the loudest so far. */
  add(energy: number): boolean {
    const at = this.#energies.push(energy) - 1
    if (at < this.#length) {
      this.#most = this.#sum += energy
      return true
    }
    this.#sum += energy - this.#energies[at - this.#length]!
    const isLoudest = this.#sum > this.#most * (1 + 1e-9)
    if (isLoudest) {
      this.#most = this.#sum
      this.first = at - this.#length + 1
    }
    return isLoudest
  }
}

/** Keeps, as sound comes, its loudest stretch, and no more in memory than twice that. */
export class LoudestSound {
  readonly #samples: number
  readonly #length: number
  readonly #seconds: SecondCutter
  readonly #stretch: LoudestStretch
  #recent: Array<Second> = []
  #loudest: ReadonlyArray<Second> = []

  /** @param rate in Hz. @param stretch in seconds. */
  constructor(rate: number, stretch: number) {
    this.#samples = Math.floor(stretch * rate)
    this.#length = Math.ceil(stretch)
    this.#seconds = new SecondCutter(rate)
    this.#stretch = new LoudestStretch(stretch)
  }

  push(samples: Float32Array): void {
    this.#keep(this.#seconds.push(samples.slice()))
  }

  /** The loudest stretch, and at which second it begins. */
  end(): { readonly first: number; readonly samples: Float32Array } {
    this.#keep(this.#seconds.end())
    const samples = concatenate(this.#loudest.flatMap(({ parts }) => parts)).subarray(0, this.#samples)
    return { first: this.#stretch.first, samples }
  }

  #keep(seconds: Iterable<Second>): void {
    for (const second of seconds) {
      this.#recent = [...this.#recent, second].slice(-this.#length)
      if (this.#stretch.add(second.energy)) this.#loudest = this.#recent
    }
  }
}
