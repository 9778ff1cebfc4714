import { join } from "node:path"
import type { Base } from "./bases.ts"

/** A child's line before it decodes a file, and the one behind; `spent` are seconds of the processor since it began. */
export interface Begun {
  readonly seed: number
  readonly base: number
  readonly mutation: string
  readonly spent: number
}
export interface Ended {
  readonly seed: number
  readonly isRead: boolean
  /** What is wrong with what the file was decoded to; empty if nothing is. */
  readonly fault: string
  readonly spent: number
  /** The most memory that the process has had, with Bun, its decoders and what they hold. */
  readonly megabytes: number
}

/** What became of a mutated file. */
export interface Row {
  readonly seed: number
  readonly base: string
  readonly mutation: string
  readonly isRead: boolean
  readonly seconds: number
  readonly megabytes: number
  /** Empty if nothing is wrong. */
  readonly fault: string
}

/** Seconds of the processor, however many others share it. */
const MAX_SECONDS = 5
const MAX_MEGABYTES = 500
/** Seconds by the clock after which a child is ended: a loaded machine may take this long, a loop takes for ever. */
const PATIENCE = 60

const faultOf = ({ fault, megabytes }: Ended, seconds: number): string => {
  if (fault !== "") return fault
  if (seconds > MAX_SECONDS) return `${seconds.toFixed(1)} s of the processor`
  return megabytes > MAX_MEGABYTES ? `${Math.round(megabytes)} MB` : ""
}

/** Decodes the files of seeds from one to another in a process of its own, as far as nothing is wrong. */
export async function* watch(
  bases: ReadonlyArray<Base>,
  folder: string,
  from: number,
  to: number
): AsyncGenerator<Row> {
  const names = bases.map(({ name }) => name).join(",")
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "child.ts"), folder, names, `${from}`, `${to}`], {
    stdout: "pipe",
    stderr: "ignore"
  })
  let begun: Begun | undefined
  let timer: Timer | undefined
  try {
    let text = ""
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const lines = text.split("\n")
      text = lines.pop()!
      for (const line of lines) {
        const found: Begun | Ended = JSON.parse(line)
        clearTimeout(timer)
        if ("base" in found) {
          begun = found
          timer = setTimeout(() => child.kill(9), 1000 * PATIENCE)
          continue
        }
        const seconds = found.spent - begun!.spent
        const fault = faultOf(found, seconds)
        yield rowOf(bases, begun!, { ...found, seconds, fault })
        begun = undefined
        if (fault !== "") return
      }
    }
    await child.exited
    if (begun === undefined) return
    const { cpuTime, maxRSS } = child.resourceUsage()!
    const seconds = Number(cpuTime.total) / 1e6 - begun.spent
    const ending = child.signalCode ?? `exit ${child.exitCode}`
    const fault = `no answer: ${ending} after ${seconds.toFixed(1)} s of the processor`
    yield rowOf(bases, begun, { isRead: false, seconds, megabytes: maxRSS / 2 ** 20, fault })
  } finally {
    clearTimeout(timer)
    child.kill(9)
  }
}

const rowOf = (
  bases: ReadonlyArray<Base>,
  { seed, base, mutation }: Begun,
  { isRead, seconds, megabytes, fault }: Omit<Row, "seed" | "base" | "mutation">
): Row => ({ seed, base: bases[base]!.name, mutation, isRead, seconds, megabytes, fault })
