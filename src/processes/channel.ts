import { Effect } from "effect"
import { childEnvironment } from "../config/settings.ts"
import type { ToProcess } from "./protocol.ts"

/** A process that is there, and the way to it. */
export interface Channel {
  /** False where the process is dying, which is known before its death is. */
  readonly send: (message: ToProcess) => boolean
  readonly kill: () => void
  /** Has the process come to its end. */
  readonly close: () => void
}

/** A process that is to end gets so many milliseconds to finish what it must: a run writes its record. */
const GRACE = 10_000

/**
 * Runs a Bun process from its start to its death; how it died. `opened` is given the way to it, `hear` what it says.
 *
 * Interrupting this closes the channel, upon which the process finishes what it must and ends; one that has said nothing
 * yet has nothing to finish, and is killed.
 */
export const runChild = (
  command: ReadonlyArray<string>,
  opened: (channel: Channel) => void,
  hear: (message: unknown) => void
): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    let isAlive = true
    let hasSpoken = false
    const child = Bun.spawn([...command], {
      env: childEnvironment(),
      stdio: ["ignore", "inherit", "inherit"],
      serialization: "advanced",
      ipc: (message) => {
        // A word may come after the news of the death: by then its request has been settled or goes elsewhere.
        if (!isAlive) return
        hasSpoken = true
        hear(message)
      },
      onExit: (_, code, signal) => {
        isAlive = false
        resume(Effect.succeed(signal === null ? `exit status ${code}` : `signal ${signal}`))
      }
    })
    const kill = () => child.kill("SIGKILL")
    const send = (message: ToProcess) => {
      try {
        child.send(message)
        return true
      } catch {
        return false
      }
    }
    const close = () => child.disconnect()
    opened({ send, kill, close })
    return Effect.promise(async () => {
      if (hasSpoken) close()
      else kill()
      const patience = setTimeout(kill, GRACE)
      await child.exited
      clearTimeout(patience)
    })
  }).pipe(
    // It could not even be started.
    Effect.catchDefect((defect) => Effect.succeed(String(defect)))
  )
