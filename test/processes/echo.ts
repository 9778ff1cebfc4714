import { Effect } from "effect"
import { programPath } from "../../src/processes/programPath.ts"

/** The program, in one of its ways: see `echoProgram.ts`. */
export const echo =
  (...args: ReadonlyArray<string>) =>
  () => [process.execPath, programPath("./echoProgram.ts", import.meta.url), ...args]

/** Whether a process is there. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until it is so; the test's own timeout ends a wait in vain. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.andThen(Effect.sleep(10), until(condition))))
