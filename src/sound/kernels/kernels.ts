import { readFileSync } from "node:fs"
import file from "./kernels.wasm" with { type: "file" }

/** What `assembly/` exports. Addresses are bytes into `memory`. */
interface Kernels {
  readonly memory: WebAssembly.Memory
  readonly allocate: (bytes: number) => number
  readonly free: (at: number) => void
  readonly forward: (fft: number) => number
  readonly stretch: (vocoder: number, samples: number, frames: number, voices: number, count: number) => void
  readonly resample: (
    resampler: number,
    samples: number,
    begin: number,
    out: number,
    first: number,
    length: number
  ) => void
  readonly logMel: (mel: number, samples: number, frames: number, out: number) => void
  readonly encode: (samples: number, length: number, out: number, encoded: number) => void
  readonly keep: (
    streams: number,
    thresholds: number,
    drawn: number,
    units: number,
    visits: number,
    out: number
  ) => void
  readonly addNormal: (samples: number, length: number, sigma: number, seed: number) => void
  readonly addRows: (matrix: number, width: number, rows: number, values: number, count: number, out: number) => void
  readonly addProduct: (
    rows: number,
    count: number,
    inner: number,
    matrix: number,
    columns: number,
    out: number
  ) => void
  readonly cosTurns: (turns: number, length: number, amplitude: number) => void
}

const load = (): Kernels => {
  const bytes = readFileSync(file)
  if (!WebAssembly.validate(bytes)) {
    throw new Error("WebAssembly has no vector instructions here: on x86-64, they need a processor with AVX")
  }
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Kernels
}

/**
 * The inner loops, compiled to WebAssembly with 128-bit vectors: the sources are in `assembly/`, in AssemblyScript, and
 * `bun run kernels` compiles them.
 *
 * Single precision, and none of the relaxed instructions, so that every processor computes the same bits.
 */
export const kernels = load()

/** Singles at an address; only until something is allocated, which may move the memory. */
export const floatsAt = (at: number, length: number): Float32Array<ArrayBuffer> =>
  new Float32Array(kernels.memory.buffer as ArrayBuffer, at, length)

/** Memory for the kernels, freed together. */
export class Room implements Disposable {
  private readonly blocks: Array<number> = []

  /** Bytes, not cleared. */
  allocate(bytes: number): number {
    const at = kernels.allocate(bytes)
    this.blocks.push(at)
    return at
  }

  /** Room for so many singles, all zero. */
  zeros(length: number): number {
    const at = this.allocate(4 * length)
    floatsAt(at, length).fill(0)
    return at
  }

  /** Copies numbers as singles, with so many zeros before and after them. */
  place(values: ArrayLike<number>, before = 0, after = 0): number {
    const at = this.allocate(4 * (before + values.length + after))
    const singles = floatsAt(at, before + values.length + after)
    singles.fill(0, 0, before)
    singles.set(values, before)
    singles.fill(0, before + values.length)
    return at
  }

  /** A record of the assembly: its doubles, then its integers of 32 bits. */
  record(doubles: ArrayLike<number>, words: ArrayLike<number>): number {
    const at = this.allocate(8 * doubles.length + 4 * words.length)
    new Float64Array(kernels.memory.buffer, at, doubles.length).set(doubles)
    new Uint32Array(kernels.memory.buffer, at + 8 * doubles.length, words.length).set(words)
    return at
  }

  [Symbol.dispose](): void {
    for (const at of this.blocks.splice(0)) kernels.free(at)
  }
}
