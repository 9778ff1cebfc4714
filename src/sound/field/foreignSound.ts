import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Result } from "effect"
import type { Foreign } from "../decode/container.ts"
import { refuse } from "../decode/decode.ts"
import { Feed, MORE } from "../decode/feed.ts"
import { ffmpegToWav } from "../decode/ffmpeg.ts"
import { openFeed } from "../decode/openContainer.ts"
import { type PcmBlock, pcmBlocks } from "../decode/pcm.ts"

/** Milliseconds in which ffmpeg gives something. */
const PATIENCE = 30_000
/** Seconds of a recording at most, two days: a damaged file may have no end. */
const MOST_SECONDS = 2 * 86_400

/** What would help where a recording cannot be read here. */
export const adviceOn = ({ name }: Foreign): string => `is ${name}, which is not read here: convert it to WAV or FLAC`

/**
 * The sound of a recording that ffmpeg alone reads, block by block, as ffmpeg gives it: however long, no more than a block of
 * it is in memory. Fails with a `DecodeError` where ffmpeg makes nothing of it, or nothing more. What it wrote is removed, and
 * it is ended, where its reader stops.
 */
export async function* foreignSound(program: string, bytes: Uint8Array, foreign: Foreign): AsyncGenerator<PcmBlock> {
  const folder = await mkdtemp(join(tmpdir(), "ecosight-"))
  const stop = new AbortController()
  try {
    const path = join(folder, "recording")
    await Bun.write(path, bytes)
    const { child, wav } = ffmpegToWav(program, foreign, path, MOST_SECONDS, stop.signal)
    const pieces = wav.getReader()
    const feed = Feed.growing(Number.MAX_SAFE_INTEGER)
    const next = async (): Promise<void> => {
      const silence = setTimeout(() => stop.abort(), PATIENCE)
      const { value, done } = await pieces.read().finally(() => clearTimeout(silence))
      if (done) feed.end()
      else feed.push(value)
    }
    let opened = openFeed(feed)
    while (opened === MORE && !feed.ended) {
      await next()
      opened = openFeed(feed)
    }
    const fails = refuse(`${adviceOn(foreign)}; ffmpeg makes nothing of it either, it may be damaged`)
    if (opened === MORE || Result.isFailure(opened) || !("begin" in opened.success)) throw fails
    for (const block of pcmBlocks(feed, opened.success)) {
      if (block === MORE) await next()
      else yield block
    }
    if ((await child.exited) !== 0) throw fails
  } finally {
    stop.abort()
    await rm(folder, { recursive: true, force: true })
  }
}
