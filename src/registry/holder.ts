import { randomUUID } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"
import { Option, Schema } from "effect"

/** Who holds a lease, as far as one process can name itself to others. */
export const Holder = Schema.Struct({
  host: Schema.String,
  process: Schema.Int,
  /** Drawn when the process starts. Absent where an older program wrote it, as are the others. */
  instance: Schema.optionalKey(Schema.String),
  /** This boot of the machine, and the numbers of processes that mean the same in it: containers have their own. */
  space: Schema.optionalKey(Schema.String),
  /** When the process started, in ticks since the boot: its number comes again, with another start. */
  started: Schema.optionalKey(Schema.String)
})
export type Holder = typeof Holder.Type

/** Linux's figures; none elsewhere, or where /proc is not there. */
const inProc = <A>(look: () => A): A | undefined => Option.getOrUndefined(Option.liftThrowable(look)())

const startOf = (pid: number | "self") =>
  // The name of a program, in parentheses, may hold anything; the start is the twentieth figure behind it.
  inProc(() => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ")[19]!)

const space = inProc(
  () => `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`
)
const started = startOf("self")

/** This process. */
export const thisProcess: Holder = {
  host: hostname(),
  process: process.pid,
  instance: randomUUID(),
  ...(space === undefined ? {} : { space }),
  ...(started === undefined ? {} : { started })
}

/**
 * Whether a holder's process is there: known only of processes on this machine whose numbers mean the same to us. A
 * container that is started again has the host name and the number of the one before, so both alone tell nothing.
 */
export const livenessOf = (holder: Holder): "alive" | "dead" | "unknown" => {
  if (holder.instance === thisProcess.instance) return "alive"
  if (holder.host !== thisProcess.host || holder.space !== (holder.instance && thisProcess.space)) return "unknown"
  // We have its number, so it has gone.
  if (holder.instance !== undefined && holder.process === thisProcess.process) return "dead"
  if (!isRunning(holder.process)) return "dead"
  const now = startOf(holder.process)
  if (holder.started === undefined || now === undefined) return "unknown"
  return now === holder.started ? "alive" : "dead"
}

/** Whether there is a process of this number on this machine. */
// Signal 0 only asks: EPERM means that the process is there, and somebody else's.
export const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return !(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH")
  }
}
