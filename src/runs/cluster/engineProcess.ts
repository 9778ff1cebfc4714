import { Context, Effect, Layer } from "effect"
import type { About } from "../../processes/protocol.ts"
import { type Supervised, supervise } from "../../processes/supervise.ts"
import { EngineProtocol } from "./engineProtocol.ts"

/**
 * A worker's engine, in a process of its own: what ends it costs the tasks it had, not the worker's place in the
 * cluster, and training that holds the processor for long does not make the worker look dead.
 */
export class EngineProcess extends Context.Service<
  EngineProcess,
  Omit<Supervised<typeof EngineProtocol>, "about"> & { readonly about: About<typeof EngineProtocol> }
>()("ecosight/runs/cluster/EngineProcess") {
  /** `command` starts a program that does `answerTasks`; fails where that cannot be used. */
  static readonly layer = (command: ReadonlyArray<string>) =>
    Layer.effect(
      EngineProcess,
      Effect.gen(function* () {
        const process = yield* supervise(EngineProtocol, () => command, { restart: true })
        return EngineProcess.of({ ...process, about: yield* Effect.onError(process.about, () => process.end) })
      })
    )
}
