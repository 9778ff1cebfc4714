import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Runtime, Schema } from "effect"
import { CliOutput } from "effect/cli"
import { plainErrors } from "./commandLine.ts"

/** What shells give a process that a signal ended: 128 and the signal's number. */
const CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Runs a command as this program. A signal interrupts it, so that it leaves everything in order, and shows in the exit
 * code. That there is not enough memory is told in a sentence, where it can be told at all.
 */
export const runMain = <E>(command: Effect.Effect<void, E, NodeServices.NodeServices>): void => {
  let received: keyof typeof CODES | undefined
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      received ??= signal
    })
  }
  command.pipe(
    Effect.catchCauseIf(isOutOfMemory, () =>
      Effect.andThen(Console.error(`\nERROR\n  ${OUT_OF_MEMORY}`), Effect.fail(new OutOfMemory()))
    ),
    Effect.provideService(CliOutput.Formatter, plainErrors()),
    Effect.provide(NodeServices.layer),
    NodeRuntime.runMain({
      teardown: (exit, onExit) =>
        Runtime.defaultTeardown(exit, (code) => onExit(received === undefined || code === 0 ? code : CODES[received]))
    })
  )
}

/** Has been told. */
class OutOfMemory extends Schema.TaggedError<OutOfMemory>()("OutOfMemory", {}) {
  override readonly [Runtime.errorReported] = false
}

const OUT_OF_MEMORY =
  "There is not enough memory: give it more (ulimit -v, the container's limit), or less to do at once (WORKERS, " +
  "FETCH_CONCURRENCY, MAX_RECORDING_MB). What was embedded is kept."

/** How JavaScript, WebAssembly and onnxruntime say it. */
const isOutOfMemory = (cause: Cause.Cause<unknown>): boolean =>
  /out of memory|bad_alloc|array buffer allocation failed|could not allocate|cannot allocate memory|failed to map segment/i.test(
    Cause.pretty(cause)
  )
