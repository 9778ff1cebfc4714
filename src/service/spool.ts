import { type FileHandle, mkdir, open, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { OWN } from "../store/folder-list.ts"
import { Refusal } from "./refusal.ts"

/** Recordings of more bytes than this are kept in a file. */
const IN_MEMORY = 1_000_000
const RETRY_AFTER = 5

/** A recording that has arrived: its bytes, or, if it is long, the file of this machine that holds them. */
export const Spooled = Schema.Union([Schema.Uint8Array, Schema.Struct({ path: Schema.String })])
export type Spooled = typeof Spooled.Type

/** The folder for recordings that arrive, beside the copy of the model. */
export const spoolFolder = (modelCache: string): string => join(modelCache, "arriving")

/** Takes one recording, piece by piece, and keeps it as long as the scope. */
export const makeSpool = Effect.fnUntraced(function* (folder: string) {
  const path = join(folder, `${OWN}${crypto.randomUUID()}`)
  let pieces: Array<Uint8Array> = []
  let size = 0
  let file: FileHandle | undefined
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => {
      if (file === undefined) return
      await file.close().catch(() => {})
      await rm(path, { force: true }).catch(() => {})
    })
  )
  const write = async () => {
    const written = pieces
    pieces = []
    file ??= await create(path)
    for (const piece of written) await writeAll(file, piece)
  }
  return {
    size: () => size,
    add: (piece: Uint8Array) => {
      size += piece.length
      pieces.push(piece)
    },
    /** Moves what was added to the file, if it is too much for the memory. */
    settle: Effect.suspend(() =>
      size > IN_MEMORY
        ? Effect.uninterruptible(Effect.tryPromise({ try: write, catch: (cause) => cause }))
        : Effect.void
    ).pipe(
      Effect.catch((cause) =>
        Effect.andThen(Effect.logWarning(`A recording cannot be kept in ${folder}: ${cause}`), Effect.fail(noRoom))
      )
    ),
    /** All that was added. */
    spooled: (): Spooled => (file === undefined ? Buffer.concat(pieces) : { path })
  }
})

/** The bytes of a recording, in memory. */
export const readSpooled = (spooled: Spooled): Effect.Effect<Uint8Array> =>
  "path" in spooled ? Effect.promise(() => Bun.file(spooled.path).bytes()) : Effect.succeed(spooled)

/** The same without reading what is not looked at: for decoders, of which most want only the beginning. */
export const mapSpooled = (spooled: Spooled): Effect.Effect<Uint8Array> =>
  "path" in spooled ? Effect.sync(() => Bun.mmap(spooled.path)) : Effect.succeed(spooled)

const create = async (path: string): Promise<FileHandle> => {
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 })
  return open(path, "wx", 0o600)
}

const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

const noRoom = new Refusal({
  status: 503,
  detail: "There is no room to take in a recording of this size at the moment; please try again.",
  retryAfter: RETRY_AFTER
})
