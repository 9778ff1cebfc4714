import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { flac, silentMp3, silentOpus } from "../support/codedFiles.ts"
import { readGolden } from "../support/vectors.ts"

export interface Base {
  readonly name: string
  readonly bytes: Uint8Array
}

const folder = join(import.meta.dir, "../golden/recordings")

/** Recordings of every format that the repository has or makes, small enough to damage by the thousand. */
export const ownBases = (): Array<Base> => [
  ...readdirSync(folder)
    .filter((name) => !name.endsWith(".f32"))
    .sort()
    .map((name) => ({ name, bytes: readGolden("recordings", name) })),
  { name: "silent.opus", bytes: silentOpus(30, 2) },
  { name: "silent.mp3", bytes: silentMp3(1) },
  { name: "silent.flac", bytes: flac(new Int16Array(400_000), { blockLength: 65_535, channels: 8 }) }
]

/** What ffmpeg makes beside them. */
const CODINGS: ReadonlyArray<readonly [string, ...ReadonlyArray<string>]> = [
  ["a.aac", "-c:a", "aac"],
  ["fragments.m4a", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-frag_duration", "200000"],
  ["a.mov", "-c:a", "pcm_s16be"],
  ["a.mp2", "-c:a", "mp2"],
  ["vorbis.webm", "-c:a", "libvorbis"],
  ["a.mka", "-c:a", "flac"],
  ["six.opus", "-c:a", "libopus", "-ac", "6"],
  ["six.ogg", "-c:a", "libvorbis", "-ac", "6"],
  ["six.flac", "-c:a", "flac", "-ac", "6"],
  ["ima4.aifc", "-c:a", "adpcm_ima_qt", "-f", "aiff"],
  ["ima4.caf", "-c:a", "adpcm_ima_qt"],
  ["ima.wav", "-c:a", "adpcm_ima_wav"],
  ["alaw.caf", "-c:a", "pcm_alaw"],
  ["rf64.wav", "-c:a", "pcm_s24le", "-rf64", "always"]
]

/** The same made by ffmpeg in the codings that the repository has none of; none where it is not installed. */
export const ffmpegBases = (): Array<Base> => {
  const made = mkdtempSync(join(tmpdir(), "mutations-"))
  try {
    return CODINGS.flatMap(([name, ...options]) => {
      const path = join(made, name)
      const source = ["-f", "lavfi", "-i", "sine=500:sample_rate=48000:duration=1.5", "-fflags", "+bitexact"]
      const { status } = spawnSync("ffmpeg", ["-v", "error", "-y", ...source, "-flags", "+bitexact", ...options, path])
      return status === 0 ? [{ name, bytes: new Uint8Array(readFileSync(path)) }] : []
    })
  } finally {
    rmSync(made, { recursive: true })
  }
}
