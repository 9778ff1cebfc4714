import { dirname } from "node:path"
import { Effect, FileSystem } from "effect"

/**
 * Writes a file of this machine's, and the folder that it lies in: who reads it finds all of it, or what was there before.
 * `mode` is its own, whatever that of a file before was. Several processes may write it at once.
 */
export const writeWhole = Effect.fn("writeWhole")(function* (file: string, content: Uint8Array | string, mode = 0o666) {
  const fs = yield* FileSystem.FileSystem
  const draft = `${file}.${process.pid}.new`
  yield* fs.makeDirectory(dirname(file), { recursive: true })
  yield* fs.remove(draft, { force: true })
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
  yield* fs.writeFile(draft, bytes, { mode }).pipe(
    Effect.andThen(fs.rename(draft, file)),
    Effect.onError(() => Effect.ignore(fs.remove(draft, { force: true })))
  )
})
