import { appendFileSync } from "node:fs"
import { Effect, Layer } from "effect"
import { answer, runProgram } from "../../src/processes/program.ts"
import { AtOnce, InTurn } from "./echoProtocol.ts"

// A program for tests of the supervision: `bun echoProgram.ts [at-once | in-turn] [file of its starts] [unusable | dead]`.
// Doubles numbers, dies at a negative one, and hangs at a fraction.

const [way, starts, fate] = process.argv.slice(2)
if (starts !== undefined) appendFileSync(starts, `${process.pid}\n`)
if (fate === "dead") process.exit(3)

const program = answer(
  way === "at-once" ? AtOnce : InTurn,
  { pid: process.pid, knowsToken: process.env.API_TOKEN !== undefined },
  {
    double: (value) => {
      if (value < 0) process.kill(process.pid, "SIGKILL")
      return Number.isInteger(value) ? Effect.succeed(2 * value) : Effect.never
    },
    count: (most, tell) =>
      Effect.forEach(
        Array.from({ length: most }, (_, i) => i),
        tell
      ).pipe(Effect.as(most)),
    linger: (_, tell) =>
      Effect.andThen(tell(0), Effect.never).pipe(
        Effect.onInterrupt(() => Effect.sync(() => appendFileSync(starts!, "given up\n")))
      ),
    measure: (bytes) =>
      bytes.length === 0
        ? Effect.fail({ _tag: "Empty", message: "There is nothing to measure." })
        : Effect.succeed(bytes.length)
  }
)

/** What stands around the program, as its services do. */
const around = Layer.effectDiscard(
  Effect.acquireRelease(Effect.void, () =>
    Effect.sync(() => {
      if (way === "at-once" && starts !== undefined) appendFileSync(starts, "its services end\n")
    })
  )
)

runProgram(
  fate === "unusable" ? Effect.fail({ message: "It lacks all that it needs." }) : Effect.provide(program, around)
)
