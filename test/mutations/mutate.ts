import { seededRandom } from "../../src/sound/random.ts"
import { join, sealPage, splitOgg } from "../support/codedFiles.ts"

/** One way to damage a file: given its bytes, another file's, and a source of numbers in [0, 1). */
type Mutation = (bytes: Uint8Array, other: Uint8Array, random: () => number) => Uint8Array

const SECTOR = 512
const below = (limit: number, random: () => number): number => Math.floor(random() * Math.max(1, limit))
/** Headers hold what decoders believe, so half of all changes are made to the first bytes. */
const place = (bytes: Uint8Array, random: () => number): number =>
  below(random() < 0.5 ? Math.min(bytes.length, 300) : bytes.length, random)

/** What fields hold that nobody has checked. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fff0]

export const mutations: Readonly<Record<string, Mutation>> = {
  flips: (bytes, _, random) => {
    const changed = bytes.slice()
    for (let i = below(30, random); i >= 0; i--) {
      const at = place(bytes, random)
      changed[at] = changed[at]! ^ (1 << below(8, random))
    }
    return changed
  },
  field: (bytes, _, random) => {
    const changed = bytes.slice()
    const data = new DataView(changed.buffer)
    for (let i = below(3, random); i >= 0; i--) {
      const at = place(bytes, random)
      const value = EXTREMES[below(EXTREMES.length, random)]!
      if (at + 4 <= bytes.length) data.setUint32(at, value, random() < 0.5)
    }
    return changed
  },
  cut: (bytes, _, random) => bytes.slice(0, below(bytes.length, random)),
  zeros: (bytes, _, random) => {
    const changed = bytes.slice()
    const at = below(bytes.length, random)
    changed.fill(random() < 0.5 ? 0 : 0xff, at, at + SECTOR * (1 + below(8, random)))
    return changed
  },
  loss: (bytes, _, random) => {
    const at = below(bytes.length, random)
    return join(bytes.subarray(0, at), bytes.subarray(at + 1 + below(2 * SECTOR, random)))
  },
  repeat: (bytes, _, random) => {
    const at = below(bytes.length, random)
    const end = at + 1 + below(2 * SECTOR, random)
    return join(
      bytes.subarray(0, end),
      ...Array(1 + below(20, random)).fill(bytes.subarray(at, end)),
      bytes.subarray(end)
    )
  },
  splice: (bytes, other, random) =>
    join(bytes.subarray(0, below(bytes.length, random)), other.subarray(below(other.length, random))),
  follow: (bytes, other) => join(bytes, other),
  /** Damage that the checksums of Ogg do not tell, which its decoders have to bear. */
  sealed: (bytes, other, random) => {
    if (bytes[0] !== 0x4f || bytes[1] !== 0x67) return mutations.field!(bytes, other, random)
    const pages = splitOgg(bytes)
    for (let i = below(4, random); i >= 0; i--) {
      const page = pages[below(pages.length, random)]!
      for (let j = below(8, random); j >= 0; j--) page[27 + below(page.length - 27, random)] = below(256, random)
    }
    return join(...pages.filter((page) => page.length >= 27).map(sealPage))
  }
}

const names = Object.keys(mutations)

/** The mutated file of a seed: always the same one of the same base files. */
export const mutate = (seed: number, bases: ReadonlyArray<Uint8Array>) => {
  const random = seededRandom(seed)
  const base = seed % bases.length
  const name = names[below(names.length, random)]!
  const other = bases[below(bases.length, random)]!
  return { base, mutation: name, bytes: mutations[name]!(bases[base]!, other, random) }
}

/** What no reason may hold: the words of JavaScript's own errors and of decoders that throw them. */
export const FOREIGN =
  /undefined|null|evaluating|is not (a function|defined|an object|a constructor)|out of (bounds|range|memory)|RangeError|TypeError|Invalid (array|typed)|unreachable|WebAssembly|Range consisting|\bat [\w.]+ \(/
