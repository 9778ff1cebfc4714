import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Base, ffmpegBases, ownBases } from "./bases.ts"
import { FOREIGN } from "./mutate.ts"

// Decodes damaged recordings by the thousand, in a process of its own: `bun test/mutations/main.ts [COUNT] [FIRST SEED]`.

const [, , count = "10000", first = "0"] = process.argv
const MAX_SECONDS = 5
/** Of the process together: with Bun, its decoders and what they hold. */
const MAX_MEGABYTES = 500

interface Faults {
  read: number
  refused: number
  readonly faults: Array<string>
}

const run = async (
  bases: ReadonlyArray<Base>,
  folder: string,
  from: number,
  to: number,
  table: Map<string, Faults>
) => {
  const names = bases.map(({ name }) => name).join(",")
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "child.ts"), folder, names, `${from}`, `${to}`], {
    stdout: "pipe",
    stderr: "ignore"
  })
  let seed = from
  let base = ""
  let isDone = true
  let timer: Timer | undefined
  const note = (fault: string): void => void table.get(base)!.faults.push(`${fault} (seed ${seed})`)
  let text = ""
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const lines = text.split("\n")
    text = lines.pop()!
    for (const line of lines) {
      const found = JSON.parse(line)
      clearTimeout(timer)
      seed = found.seed
      isDone = found.mutation === undefined
      if (!isDone) {
        base = bases[found.base]!.name
        timer = setTimeout(() => child.kill(9), 1000 * MAX_SECONDS)
        continue
      }
      const row = table.get(base)!
      if (found.reason === undefined) row.read++
      else row.refused++
      if (found.isFinite === false) note("samples that are not finite")
      if (found.reason !== undefined && FOREIGN.test(found.reason)) note(found.reason)
      if (found.megabytes > MAX_MEGABYTES) {
        note(`${Math.round(found.megabytes)} MB`)
        child.kill(9)
      }
    }
  }
  clearTimeout(timer)
  await child.exited
  if (!isDone) note(`no answer within ${MAX_SECONDS} s, or a crash`)
  return seed + 1
}

const folder = mkdtempSync(join(tmpdir(), "mutated-"))
try {
  const bases = [...ownBases(), ...ffmpegBases()]
  for (const { name, bytes } of bases) writeFileSync(join(folder, name), bytes)
  const table = new Map<string, Faults>(bases.map(({ name }) => [name, { read: 0, refused: 0, faults: [] }]))
  const end = Number(first) + Number(count)
  for (let seed = Number(first); seed < end; ) seed = await run(bases, folder, seed, Math.min(end, seed + 1000), table)
  for (const [name, { read, refused, faults }] of table)
    console.log(`${name}: ${read} read, ${refused} refused`, ...faults)
  process.exitCode = [...table.values()].some(({ faults }) => faults.length > 0) ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}
