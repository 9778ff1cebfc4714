import { Result } from "effect"
import { openAiff } from "./aiff.ts"
import { openAu } from "./au.ts"
import { openCaf } from "./caf.ts"
import { type Opened, text } from "./container.ts"
import { Feed, MORE } from "./feed.ts"
import { openFlac } from "./flac.ts"
import { openMp4 } from "./mp4.ts"
import { findMpeg, isFreeFormat, MAX_LEAD, openMpeg, RUN_BYTES } from "./mpeg.ts"
import { openOgg } from "./ogg.ts"
import { foreign, nameStranger } from "./strangers.ts"
import { skipTags } from "./tags.ts"
import { openW64, openWave } from "./wave.ts"
import { openWebm } from "./webm.ts"

/** What a W64 file begins with: "riff" as the first of 16 bytes that name it. */
const W64_MARK = "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"

const isWave = (bytes: Uint8Array, at: number): boolean =>
  ["RIFF", "RIFX", "RF64", "BW64"].includes(text(bytes, at, 4)) && text(bytes, at + 8, 4) === "WAVE"

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** Bytes by which a file is recognised, and in which the headers of most end. */
const HEAD_BYTES = 1 << 16

/**
 * Recognises a recording by its content, finds its sound and checks that the file is whole, as far as it has come.
 *
 * Read are WAV (RF64, BW64 and W64, too), AIFF, CAF, AU, FLAC, MP3 (and layers I and II), AAC (ADTS), M4A and MP4, Ogg Vorbis, Ogg Opus, Ogg FLAC and
 * WebM. A short file that was cut is refused rather than used in part, where its format lets one tell.
 */
export const openFeed = (feed: Feed): Opened | typeof MORE => {
  feed.noted.length = 0
  const { bytes } = feed
  if (feed.size === 0) return Result.fail("is empty")
  if (bytes.length < Math.min(HEAD_BYTES, feed.size) && !feed.ended) return feed.want(HEAD_BYTES)
  const start = text(bytes, 0, 4)
  const kind = text(bytes, 8, 4)
  if (isWave(bytes, 0)) return openWave(feed)
  if (text(bytes, 0, 16) === W64_MARK) return openW64(feed)
  if (start === "FORM" && (kind === "AIFF" || kind === "AIFC")) return openAiff(feed)
  if (start === "caff") return openCaf(feed)
  if (start === ".snd" || start === "dns.") return openAu(feed)
  if (start === "OggS") return openOgg(feed)
  // Its index may stand at the end.
  if (text(bytes, 4, 4) === "ftyp") return feed.ended || feed.index !== undefined ? openMp4(feed) : feed.wantAll()
  if (start === "\x1a\x45\xdf\xa3") return openWebm(feed)
  const sound = skipTags(bytes, 0)
  if (sound >= bytes.length && bytes[0] !== 0 && !feed.ended) return feed.want(sound + HEAD_BYTES)
  if (text(bytes, sound, 4) === "fLaC") return openFlac(feed, sound)
  // Taggers for MP3 put their tags in front of these, too.
  if (sound > 0 && (text(bytes, sound, 4) === "OggS" || isWave(bytes, sound))) {
    feed.drop(sound)
    return openFeed(feed)
  }
  const other = foreign(bytes.subarray(sound))
  if (other !== undefined) return Result.succeed(other)
  const frame = findMpeg(bytes, sound)
  const looked = frame >= 0 ? frame + RUN_BYTES : sound + MAX_LEAD + RUN_BYTES
  if (!feed.ended && bytes.length < Math.min(looked, feed.size) && !isZero(bytes)) return feed.want(looked)
  if (frame >= 0) return openMpeg(feed, frame)
  return Result.fail(
    isFreeFormat(bytes, sound)
      ? "is an MP3 of free format, whose frames name no bitrate, which is not read here: convert it to WAV or FLAC"
      : nameStranger(bytes)
  )
}

/** Opens a whole file, of which nothing more will come. */
export const openContainer = (bytes: Uint8Array): Opened => {
  const feed = Feed.whole(bytes)
  const opened = openFeed(feed)
  if (opened === MORE) return Result.fail("is cut short within its header")
  return Result.map(opened, (sound) => {
    const told = feed.isFarOff ? { ...sound, note: feed.noted.join(" ") } : sound
    // Behind what was dropped.
    return "begin" in told ? { ...told, begin: told.begin + feed.start } : told
  })
}
