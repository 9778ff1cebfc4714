import { Result } from "effect"
import { cutShort, type Opened, type Pcm, text, view } from "./container.ts"
import { MAX_PCM_CHANNELS } from "./pcm.ts"

const CODINGS: Readonly<Record<number, readonly [Pcm["coding"], number]>> = {
  1: ["mulaw", 1],
  2: ["integer", 1],
  3: ["integer", 2],
  4: ["integer", 3],
  5: ["integer", 4],
  6: ["float", 4],
  7: ["float", 8],
  27: ["alaw", 1]
}

/** Opens a Sun or NeXT AU file (.au, .snd): big-endian, and "dns." where it is not. */
export const openAu = (bytes: Uint8Array): Opened => {
  if (bytes.length < 24) return Result.fail("is cut short within its AU header")
  const littleEndian = text(bytes, 0, 4) === "dns."
  const data = view(bytes)
  const [start, size, code, rate, channels] = [4, 8, 12, 16, 20].map((at) => data.getUint32(at, littleEndian)) as [
    number,
    number,
    number,
    number,
    number
  ]
  const known = CODINGS[code]
  if (known === undefined) return Result.succeed({ name: `an AU file in coding ${code}`, demuxer: "au" })
  if (channels === 0 || channels > MAX_PCM_CHANNELS || start < 24) {
    return Result.fail("is an AU file whose header contradicts itself")
  }
  const present = Math.max(0, bytes.length - start)
  if (size !== 0xffff_ffff && size > present) return cutShort(size, present)
  const [coding, width] = known
  const sound = bytes.subarray(start, size === 0xffff_ffff || size === 0 ? bytes.length : start + size)
  return Result.succeed({ coding, width, littleEndian, channels, rate, sound })
}
