import { Result } from "effect"
import { isFarOff, type Opened, type Pcm, shortfall, text, view } from "./container.ts"
import type { Feed } from "./feed.ts"
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
export const openAu = (feed: Feed): Opened => {
  const { bytes } = feed
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
  const present = Math.max(0, feed.size - start)
  const fault = size !== 0xffff_ffff && size > present ? shortfall(size, present) : undefined
  if (fault !== undefined && !feed.forgives(fault, isFarOff(size, present))) return Result.fail(fault)
  const [coding, width] = known
  const length = size === 0 ? present : Math.min(size, present)
  return Result.succeed({ coding, width, littleEndian, channels, rate, begin: start, length })
}
