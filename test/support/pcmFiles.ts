// Files of plain samples, byte by byte, right or wrong in whatever a test is about.

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

export const concatenate = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))

const number = (bytes: number, write: (data: DataView) => void): Uint8Array => {
  const data = new DataView(new ArrayBuffer(bytes))
  write(data)
  return new Uint8Array(data.buffer)
}
export const u16 = (value: number, little = true) => number(2, (data) => data.setUint16(0, value, little))
export const u32 = (value: number, little = true) => number(4, (data) => data.setUint32(0, value, little))
export const u64 = (value: number, little = true) => number(8, (data) => data.setBigInt64(0, BigInt(value), little))
export const f64 = (value: number) => number(8, (data) => data.setFloat64(0, value))

/** A chunk of a RIFF (little-endian) or IFF file that says it is `size` bytes long. */
export const chunk = (id: string, content: Uint8Array, little = true, size = content.length): Uint8Array =>
  concatenate(ascii(id), u32(size, little), content, new Uint8Array(content.length % 2))

export interface Samples {
  readonly kind: "integer" | "float"
  /** Bits that count, at the upper end of `bytes`. */
  readonly bits: number
  readonly bytes: number
  readonly little?: boolean
  /** Added to each, in steps: what makes numbers without a sign of them. */
  readonly offset?: number
}

/** Samples from -1 to 1 as bytes. */
export const encode = (
  samples: ArrayLike<number>,
  { kind, bits, bytes, little = true, offset = 0 }: Samples
): Uint8Array => {
  const encoded = Array.from(samples, (sample) => {
    if (kind === "float") {
      return number(bytes, (data) =>
        bytes === 8 ? data.setFloat64(0, sample, little) : data.setFloat32(0, sample, little)
      )
    }
    const steps = 2 ** (bits - 1)
    const step = BigInt(Math.max(-steps, Math.min(steps - 1, Math.round(sample * steps))) + offset)
    const placed = BigInt.asUintN(64, step << BigInt(8 * bytes - bits))
    const ordered = number(8, (data) => data.setBigUint64(0, placed, true)).slice(0, bytes)
    return little ? ordered : ordered.reverse()
  })
  return concatenate(...encoded)
}

export interface WaveFormat {
  readonly coding?: number
  readonly channels?: number
  readonly rate?: number
  readonly bits?: number
  readonly blockSize?: number
  /** Of WAVE_FORMAT_EXTENSIBLE, with so many bits that count. */
  readonly validBits?: number
}

/** The content of a WAV file's format chunk. */
export const waveFormat = (format: WaveFormat = {}, little = true): Uint8Array => {
  const { coding = 1, channels = 1, rate = 16_000, bits = 16, validBits } = format
  const { blockSize = channels * Math.ceil(bits / 8) } = format
  const fields = [u16(channels, little), u32(rate, little), u32(rate * blockSize, little), u16(blockSize, little)]
  const extension =
    validBits === undefined
      ? []
      : [
          u16(22, little),
          u16(validBits, little),
          u32(0),
          u16(coding, little),
          ascii("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71")
        ]
  return concatenate(u16(validBits === undefined ? coding : 0xfffe, little), ...fields, u16(bits, little), ...extension)
}

/** A file of these chunks, which says that `size` bytes follow. */
export const riff = (chunks: ReadonlyArray<Uint8Array>, mark = "RIFF", size?: number): Uint8Array => {
  const content = concatenate(ascii("WAVE"), ...chunks)
  return chunk(mark, content, mark !== "RIFX", size)
}

/** A WAV file whose header is right. */
export const wave = (sound: Uint8Array, format?: WaveFormat): Uint8Array =>
  riff([chunk("fmt ", waveFormat(format)), chunk("data", sound)])

/** A swell of two tones of half full scale. */
export const swell = (length: number): Float64Array =>
  Float64Array.from(
    { length },
    (_, i) => 0.4 * Math.sin(i / 5) * Math.sin((Math.PI * i) / length) + 0.1 * Math.sin(i / 3)
  )
