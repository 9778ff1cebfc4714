import { join } from "node:path"
import { Effect, Schema } from "effect"
import { capture } from "./capture.ts"

/** A measurement's own process failed. */
export class BenchError extends Schema.TaggedError<BenchError>()("BenchError", { message: Schema.String }) {}

/**
 * Does a task of `child.ts` in a process of its own, on the first so many cores, which prints the result as its last line,
 * and gives that back.
 */
export const inProcess = <Task, Result>(
  name: string,
  task: Task,
  { cores }: { readonly cores?: number } = {}
): Effect.Effect<Result, BenchError> =>
  Effect.tryPromise({
    try: async () => {
      const only = cores === undefined ? [] : ["taskset", "-c", `0-${cores - 1}`]
      const command = [...only, process.execPath, join(import.meta.dir, "child.ts"), name, JSON.stringify(task)]
      const { output, complaints, ended } = await capture(command)
      if (ended !== 0) throw new Error(complaints.split("\n").at(-1))
      return JSON.parse(output.trimEnd().split("\n").at(-1)!) as Result
    },
    catch: (cause) => new BenchError({ message: `Measuring ${name} failed: ${cause}` })
  })
