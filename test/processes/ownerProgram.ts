import { Effect } from "effect"
import { supervise } from "../../src/processes/supervise.ts"
import { echo } from "./echo.ts"
import { InTurn } from "./echoProtocol.ts"

// An owner for tests, to be killed: says which process it has started, at once or when that is ready.

const spawn = Bun.spawn
Bun.spawn = ((...given: Parameters<typeof spawn>) => {
  const child = spawn(...given)
  if (process.argv[2] === "starting") console.log(child.pid)
  return child
}) as typeof spawn

Effect.runFork(
  Effect.scoped(
    Effect.gen(function* () {
      const child = yield* supervise(InTurn, echo("in-turn"), { restart: true })
      const { pid } = yield* child.about
      if (process.argv[2] === "ready") console.log(pid)
      return yield* Effect.never
    })
  )
)
