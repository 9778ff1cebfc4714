/** Tables that take eight bytes at a time into a checksum whose highest bit goes first. */
const makeTables = (polynomial: number, bits: number): ReadonlyArray<Uint32Array> => {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << (bits - 8)
    for (let i = 0; i < 8; i++) crc = (crc << 1) ^ ((crc >>> (bits - 1)) & 1 ? polynomial : 0)
    tables[0]![byte] = bits === 32 ? crc : crc & (2 ** bits - 1)
  }
  for (let step = 1; step < 8; step++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = tables[step - 1]![byte]!
      const shifted = bits === 32 ? before << 8 : (before << 8) & (2 ** bits - 1)
      tables[step]![byte] = shifted ^ tables[0]![(before >>> (bits - 8)) & 255]!
    }
  }
  return tables
}

const [A0, A1, A2, A3, A4, A5, A6, A7] = makeTables(0x8005, 16) as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array
]
const [B0, B1, B2, B3] = makeTables(0x04c11db7, 32) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array]

/** FLAC's checksum of a frame (polynomial 0x8005), continued from `crc`: 0 over a whole frame with its last two bytes. */
export const crc16 = (bytes: Uint8Array, from: number, to: number, crc = 0): number => {
  let at = from
  for (; at + 8 <= to; at += 8) {
    crc =
      A7[(crc >>> 8) ^ bytes[at]!]! ^
      A6[(crc & 255) ^ bytes[at + 1]!]! ^
      A5[bytes[at + 2]!]! ^
      A4[bytes[at + 3]!]! ^
      A3[bytes[at + 4]!]! ^
      A2[bytes[at + 5]!]! ^
      A1[bytes[at + 6]!]! ^
      A0[bytes[at + 7]!]!
  }
  for (; at < to; at++) crc = ((crc << 8) & 0xffff) ^ A0[(crc >>> 8) ^ bytes[at]!]!
  return crc
}

/** Ogg's checksum (polynomial 0x04c11db7, neither reflected nor inverted), continued from `crc`. */
export const crc32 = (bytes: Uint8Array, from: number, to: number, crc = 0): number => {
  let at = from
  for (; at + 4 <= to; at += 4) {
    crc =
      B3[((crc >>> 24) & 255) ^ bytes[at]!]! ^
      B2[((crc >>> 16) & 255) ^ bytes[at + 1]!]! ^
      B1[((crc >>> 8) & 255) ^ bytes[at + 2]!]! ^
      B0[(crc & 255) ^ bytes[at + 3]!]!
  }
  for (; at < to; at++) crc = (crc << 8) ^ B0[((crc >>> 24) & 255) ^ bytes[at]!]!
  return crc >>> 0
}

/** FLAC's checksum of a frame's header (polynomial 0x07). */
export const crc8 = (bytes: Uint8Array, from: number, to: number): number => {
  let crc = 0
  for (let at = from; at < to; at++) {
    crc ^= bytes[at]!
    for (let i = 0; i < 8; i++) crc = (crc << 1) ^ (crc & 128 ? 0x107 : 0)
  }
  return crc
}
