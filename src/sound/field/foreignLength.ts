import { text, view } from "../decode/container.ts"

/** How many seconds a recording has that is not decoded here, as the head of the file says; undefined where it does not. */
export const foreignLength = (head: Uint8Array): number | undefined => {
  const seconds = text(head, 0, 4) === "wvpk" ? wavPackSeconds(head) : asfSeconds(head)
  return seconds !== undefined && seconds > 0 ? seconds : undefined
}

/** In Hz, as a block's flags number them; what comes behind is told within the block, and not read here. */
const RATES = [6000, 8000, 9600, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000]
const LATER_RATES = [192_000]
/** What a writer leaves there that could not go back to the beginning. */
const UNKNOWN = 0xffff_ffff
/** Set where each sample stands for eight of one bit. */
const DSD = 1 << 31

/** WavPack's first block counts the samples of all. */
const wavPackSeconds = (head: Uint8Array): number | undefined => {
  if (head.length < 32) return undefined
  const data = view(head)
  const [low, flags] = [data.getUint32(12, true), data.getUint32(24, true)]
  const rate = [...RATES, ...LATER_RATES][(flags >>> 23) & 15]
  if (low === UNKNOWN || rate === undefined || (flags & DSD) !== 0) return undefined
  // The upper bits of 40, of which it keeps the largest value of the lower 32 free.
  const high = data.getUint8(11)
  return (low + high * UNKNOWN) / rate
}

/** What the object of a Windows Media file's header begins with that tells how long it plays. */
const PROPERTIES = "\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
const OBJECTS = 30
/** Set while the file is still being sent, when it does not know. */
const BROADCAST = 1

/** ASF counts 100 ns, with the milliseconds that a player waits before it begins. */
const asfSeconds = (head: Uint8Array): number | undefined => {
  const data = view(head)
  for (let at = OBJECTS; at + 24 <= head.length; ) {
    const size = Number(data.getBigUint64(at + 16, true))
    if (text(head, at, PROPERTIES.length) === PROPERTIES && at + 92 <= head.length) {
      const isSent = (data.getUint32(at + 88, true) & BROADCAST) !== 0
      const waits = Number(data.getBigUint64(at + 80, true)) / 1e3
      return isSent ? undefined : Number(data.getBigUint64(at + 64, true)) / 1e7 - waits
    }
    if (size < 24) return undefined
    at += size
  }
  return undefined
}
