import { Deferred, Effect } from "effect"
import { answer, runProgram } from "../../processes/program.ts"
import { EngineError } from "../engine.ts"
import { openNetwork } from "./network.ts"
import { NetworkProtocol } from "./networkProtocol.ts"
import { mapSlots, type Slot } from "./slots.ts"

// Runs a network for another process, batch by batch, in memory that both share.

interface Opened {
  readonly run: Effect.Success<ReturnType<typeof openNetwork>>
  readonly slots: ReadonlyArray<Slot>
}

const program = Effect.gen(function* () {
  const opened = yield* Deferred.make<Opened>()
  return yield* answer(NetworkProtocol, undefined, {
    open: Effect.fnUntraced(function* ({ network, memory }) {
      const slots = yield* mapSlots(memory)
      yield* Deferred.succeed(opened, { run: yield* openNetwork(network), slots })
    }),
    embed: Effect.fnUntraced(function* ({ slot, count }) {
      const { run, slots } = yield* Deferred.await(opened)
      const own = slots[slot]
      if (own === undefined) return yield* new EngineError({ message: `The native engine has no slot ${slot}.` })
      own.rows.set(yield* run(own.patches, count))
    })
  })
})

runProgram(program)
