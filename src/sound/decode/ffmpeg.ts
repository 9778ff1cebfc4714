import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect } from "effect"
import type { Foreign } from "./container.ts"

/** The ffmpeg program, if this machine has one: undefined where recordings of foreign kinds are to be refused. */
export const Ffmpeg = Context.Reference<string | undefined>("ecosight/sound/Ffmpeg", {
  defaultValue: () => Bun.which("ffmpeg") ?? undefined
})

/** Half of what a worker has for a recording. */
const PATIENCE = "30 seconds"
/** Bytes that it may write for each second asked for: eight channels of floats at 192 kHz. */
const BYTES_PER_SECOND = 8 * 4 * 192_000
/** Bytes that it may ask for at once: files that claim gigabytes get none. */
const MAX_ALLOCATION = 256 << 20
/** Packets that may be damaged, as a share: the last one, cut short, is one in many. */
const MAX_ERRORS = 0.02

/**
 * Has ffmpeg turn a recording into a WAV file of floats, of no more than `seconds`; undefined if it cannot.
 *
 * The recording may come from a stranger. So ffmpeg is told which one format to expect, none of them one that names other
 * files, may open files alone and no address, and is ended if it takes long or writes much. It gets a file because
 * half of these formats keep their index at the end.
 */
export const decodeByFfmpeg = Effect.fn("decodeByFfmpeg")(function* (
  program: string,
  bytes: Uint8Array,
  foreign: Foreign,
  seconds: number
) {
  const run = Effect.fnUntraced(function* (folder: string) {
    const path = join(folder, "recording")
    return yield* Effect.tryPromise(async (signal) => {
      await Bun.write(path, bytes)
      return await collect(program, foreign, path, seconds, signal)
    }).pipe(Effect.timeout(PATIENCE))
  })
  return yield* Effect.acquireUseRelease(
    Effect.tryPromise(() => mkdtemp(join(tmpdir(), "ecosight-"))),
    run,
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  ).pipe(
    // A program that cannot be started, or a disk without room, is as good as none.
    Effect.orElseSucceed(() => undefined)
  )
})

/**
 * Starts ffmpeg on a file, to write what it holds of sound as a WAV file of floats, of no more than `seconds`; the signal ends
 * it.
 */
export const ffmpegToWav = (
  program: string,
  { demuxer }: Foreign,
  path: string,
  seconds: number,
  signal: AbortSignal
) => {
  const child = Bun.spawn(
    [
      program,
      ...["-nostdin", "-hide_banner", "-loglevel", "error", "-max_error_rate", String(MAX_ERRORS), "-threads", "1"],
      ...["-max_alloc", String(MAX_ALLOCATION), "-protocol_whitelist", "file"],
      ...["-f", demuxer, "-t", String(seconds), "-i", `file:${path}`],
      ...["-map", "0:a:0", "-vn", "-t", String(seconds), "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "ignore", signal, killSignal: "SIGKILL", env: {} }
  )
  return { child, wav: child.stdout }
}

const collect = async (program: string, foreign: Foreign, path: string, seconds: number, signal: AbortSignal) => {
  const { child, wav } = ffmpegToWav(program, foreign, path, seconds, signal)
  const most = Math.ceil(seconds * BYTES_PER_SECOND)
  const pieces: Array<Uint8Array> = []
  let size = 0
  for await (const piece of wav) {
    pieces.push(piece)
    size += piece.length
    if (size > most) {
      child.kill("SIGKILL")
      return undefined
    }
  }
  return (await child.exited) === 0 ? new Uint8Array(Buffer.concat(pieces)) : undefined
}
