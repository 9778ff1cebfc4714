import { Result } from "effect"
import { openAiff } from "./aiff.ts"
import { openAu } from "./au.ts"
import { openCaf } from "./caf.ts"
import { cutShort, type Opened, text, view } from "./container.ts"
import { openMp4 } from "./mp4.ts"
import { isMpeg, openMpeg } from "./mpeg.ts"
import { openOgg } from "./ogg.ts"
import { foreign, nameStranger } from "./strangers.ts"
import { openW64, openWave } from "./wave.ts"

/** What a W64 file begins with: "riff" as the first of 16 bytes that name it. */
const W64_MARK = "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"

/** Opens a FLAC file, whose first block says how many samples follow (0: unknown). */
const openFlac = (bytes: Uint8Array): Opened => {
  if (bytes.length < 42) return Result.fail("is cut short within its FLAC header")
  const data = view(bytes)
  const length = (data.getUint8(21) & 15) * 2 ** 32 + data.getUint32(22)
  return Result.succeed({ format: "flac", pieces: [bytes], ...(length > 0 && { length }) })
}

/** Opens a WebM or Matroska file: an EBML header, then a segment whose length may be given. */
const openWebm = (bytes: Uint8Array): Opened => {
  /** Reads the length at `at`: the leading zero bits of the first byte say how many bytes it has. */
  const lengthAt = (at: number): { readonly value: number; readonly end: number; readonly unknown: boolean } => {
    const width = Math.clz32(bytes[at] ?? 0) - 23
    let value = (bytes[at] ?? 0) & (0xff >> width)
    for (let i = 1; i < width; i++) value = value * 256 + (bytes[at + i] ?? 0)
    return { value, end: at + width, unknown: value === 2 ** (7 * width) - 1 }
  }
  const header = lengthAt(4)
  const segment = header.end + header.value
  const length = lengthAt(segment + 4)
  if (segment + 5 > bytes.length) return Result.fail("is cut short within its WebM header")
  if (!length.unknown && length.end + length.value > bytes.length) {
    return cutShort(length.end + length.value, bytes.length, "bytes")
  }
  return Result.succeed({ format: "webm", pieces: [bytes] })
}

/** Bytes of an ID3v2 tag in front of the sound: 0 if there is none. */
const tagLength = (bytes: Uint8Array): number => {
  if (text(bytes, 0, 3) !== "ID3" || bytes.length < 10) return 0
  const size = (bytes[6]! << 21) | (bytes[7]! << 14) | (bytes[8]! << 7) | bytes[9]!
  return 10 + size + ((bytes[5]! & 0x10) !== 0 ? 10 : 0)
}

/**
 * Recognises a recording by its content, finds its sound and checks that the file is whole.
 *
 * Read are WAV (RF64, BW64 and W64, too), AIFF, CAF, AU, FLAC, MP3 (and layers I and II), AAC (ADTS), M4A and MP4, Ogg Vorbis, Ogg Opus, Ogg FLAC and
 * WebM. A file cut short is refused rather than used in part, where its format lets one tell.
 */
export const openContainer = (bytes: Uint8Array): Opened => {
  if (bytes.length === 0) return Result.fail("is empty")
  const start = text(bytes, 0, 4)
  const kind = text(bytes, 8, 4)
  if (["RIFF", "RIFX", "RF64", "BW64"].includes(start) && kind === "WAVE") return openWave(bytes)
  if (text(bytes, 0, 16) === W64_MARK) return openW64(bytes)
  if (start === "FORM" && (kind === "AIFF" || kind === "AIFC")) return openAiff(bytes)
  if (start === "caff") return openCaf(bytes)
  if (start === ".snd" || start === "dns.") return openAu(bytes)
  if (start === "OggS") return openOgg(bytes)
  if (text(bytes, 4, 4) === "ftyp") return openMp4(bytes)
  if (start === "\x1a\x45\xdf\xa3") return openWebm(bytes)
  const sound = tagLength(bytes)
  if (text(bytes, sound, 4) === "fLaC") return openFlac(bytes.subarray(sound))
  if (isMpeg(bytes, sound)) return openMpeg(bytes, sound)
  const other = foreign(bytes)
  return other === undefined ? Result.fail(nameStranger(bytes)) : Result.succeed(other)
}
