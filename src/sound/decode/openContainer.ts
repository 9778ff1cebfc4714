import { Result } from "effect"
import { cutShort, type Opened, text, view } from "./container.ts"
import { openFlac } from "./flac.ts"
import { openMp4 } from "./mp4.ts"
import { findMpeg, openMpeg } from "./mpeg.ts"
import { openOgg } from "./ogg.ts"
import { openAiff, openWav } from "./riff.ts"
import { skipTags } from "./tags.ts"
import { openWebm } from "./webm.ts"

/** Opens an Apple CAF file: chunks of a name, a size of 8 bytes, -1 if it runs to the end of the file, and content. */
const openCaf = (bytes: Uint8Array): Opened => {
  const data = view(bytes)
  for (let at = 8; at + 12 <= bytes.length; ) {
    const size = Number(data.getBigInt64(at + 4))
    const start = at + 12
    if (text(bytes, at, 4) === "data") {
      if (start + size > bytes.length) return cutShort(size, bytes.length - start)
      return Result.succeed({ format: "caf", pieces: [size < 0 ? bytes : bytes.subarray(0, start + size)] })
    }
    if (size < 0) break
    at = start + size
  }
  return Result.fail("is a CAF file without sound, or cut short before it")
}

/** Says what a file is that is not a recording, as far as its first bytes tell. */
const nameStranger = (bytes: Uint8Array): string => {
  const start = text(bytes, 0, 6)
  if (start.startsWith("PK\x03\x04")) {
    const encrypted = ((bytes[6] ?? 0) & 1) !== 0
    return encrypted ? "is a ZIP archive protected by a password, not audio" : "is a ZIP archive, not audio"
  }
  if (start.startsWith("%PDF")) return "is a PDF document, not audio"
  if (start.startsWith("\x89PNG") || start.startsWith("\xff\xd8\xff")) return "is a picture, not audio"
  const head = text(bytes, 0, 512)
  if (/^\s*</.test(head)) return "is a web page or XML, not audio"
  return /^[\t-\r -~]*$/.test(head) ? "is text, not audio" : "is in no audio format that is read here"
}

/**
 * Recognises a recording by its content, finds its sound and checks that the file is whole.
 *
 * Read are WAV, AIFF, CAF, FLAC, MP3 (and layers I and II), AAC (ADTS), M4A and MP4, Ogg Vorbis, Ogg Opus, Ogg FLAC and
 * WebM. A file cut short is refused rather than used in part, where its format lets one tell.
 */
export const openContainer = (bytes: Uint8Array): Opened => {
  if (bytes.length === 0) return Result.fail("is empty")
  const start = text(bytes, 0, 4)
  const kind = text(bytes, 8, 4)
  if (start === "RIFF" && kind === "WAVE") return openWav(bytes)
  if (start === "FORM" && (kind === "AIFF" || kind === "AIFC")) return openAiff(bytes)
  if (start === "caff") return openCaf(bytes)
  if (start === "OggS") return openOgg(bytes)
  if (text(bytes, 4, 4) === "ftyp") return openMp4(bytes)
  if (start === "\x1a\x45\xdf\xa3") return openWebm(bytes)
  const sound = skipTags(bytes, 0)
  if (text(bytes, sound, 4) === "fLaC") return openFlac(bytes.subarray(sound))
  const frame = findMpeg(bytes, sound)
  if (frame >= 0) return openMpeg(bytes, frame)
  return Result.fail(nameStranger(bytes))
}
