import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Effect, Schema } from "effect"
import { EngineError } from "../engine.ts"

/** Memory that two processes share, in a file: so many slots, each for a batch of patches and the rows that come of it. */
export const SharedSlots = Schema.Struct({
  path: Schema.String,
  slots: Schema.Int,
  /** Floats of a slot's patches, and of its rows. */
  patches: Schema.Int,
  rows: Schema.Int
})
export type SharedSlots = typeof SharedSlots.Type

/** Where a batch goes to another process, and its rows come back. */
export interface Slot {
  readonly patches: Float32Array
  readonly rows: Float32Array
}

/** Memory's own file system, where there is one: what lies there is never written to a disk. */
const FOLDERS = ["/dev/shm", tmpdir()]

/** Milliseconds after which no process can still be about to map what lies there. */
const FORGOTTEN = 10 * 60_000

const attempt = <A>(work: () => Promise<A>) =>
  Effect.tryPromise({
    try: work,
    catch: (cause) => new EngineError({ message: `There is no memory to share with another process: ${cause}` })
  })

/** Removes the file; who has mapped it keeps the memory. */
export const forgetSlots = ({ path }: Pick<SharedSlots, "path">) =>
  Effect.promise(() => rm(dirname(path), { recursive: true, force: true }))

/** Removes what processes left behind that were killed before both had the memory; what cannot be removed is somebody else's. */
const removeForgotten = (parent: string) =>
  Effect.promise(async () => {
    const folders = (await readdir(parent)).filter((name) => /^ecosight-\d+-/.test(name))
    for (const folder of folders.map((name) => join(parent, name))) {
      if (Date.now() - (await stat(folder)).mtimeMs > FORGOTTEN) await rm(folder, { recursive: true, force: true })
    }
  }).pipe(Effect.ignoreCause)

/** All of it is written: memory that is only promised ends a process that touches it when there is none left. */
const writeSlots = Effect.fnUntraced(function* (parent: string, sizes: Omit<SharedSlots, "path">) {
  yield* removeForgotten(parent)
  const path = yield* Effect.acquireRelease(
    attempt(async () => join(await mkdtemp(join(parent, `ecosight-${process.pid}-`)), "slots")),
    (path) => forgetSlots({ path })
  )
  const memory = new Float32Array(sizes.slots * (sizes.patches + sizes.rows))
  yield* attempt(() => writeFile(path, memory)).pipe(Effect.tapError(() => forgetSlots({ path })))
  return { path, ...sizes } satisfies SharedSlots
})

/** Makes slots, whose file is gone with the scope at the latest. */
export const makeSlots = (sizes: Omit<SharedSlots, "path">) =>
  Effect.firstSuccessOf(FOLDERS.map((folder) => writeSlots(folder, sizes)))

/** The slots in this process's memory. */
export const mapSlots = ({
  path,
  slots,
  patches,
  rows
}: SharedSlots): Effect.Effect<ReadonlyArray<Slot>, EngineError> =>
  Effect.try({
    try: () => {
      const { buffer, byteOffset } = Bun.mmap(path, { shared: true })
      const floats = (from: number, count: number) => new Float32Array(buffer, byteOffset + 4 * from, count)
      return Array.from({ length: slots }, (_, slot) => {
        const from = slot * (patches + rows)
        return { patches: floats(from, patches), rows: floats(from + patches, rows) }
      })
    },
    catch: (cause) => new EngineError({ message: `Memory cannot be shared with another process: ${cause}` })
  })
