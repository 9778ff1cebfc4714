import { Context, Effect, Layer, Schedule } from "effect"
import { childEnvironment, type Settings } from "../config.ts"
import { programPath } from "../processes/programPath.ts"
import { type ObjectInfo, Store } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import type { WatcherMessage } from "./messages.ts"
import type { Runs } from "./runs.ts"
import { checkTrigger } from "./trigger.ts"

const PROGRAM = programPath("./watcherProgram.ts", import.meta.url)
const SHORTEST_PAUSE = 1_000
const LONGEST_PAUSE = 300_000

/** How often to look whether enough recordings are new, beside when some land. */
const PACE = "15 seconds"

/**
 * Follows the recordings: keeps a process that embeds them as they land, started again when it dies, and starts a run
 * when enough are new, which then finds them embedded.
 */
export class Watcher extends Context.Service<
  Watcher,
  {
    /** A recording has been uploaded here: the process need not find it. */
    readonly landed: (object: ObjectInfo) => Effect.Effect<void>
  }
>()("ecosight/service/Watcher") {
  /** Nothing happens by itself: another process watches, or none. */
  static readonly layerIdle = Layer.succeed(Watcher, { landed: () => Effect.void })

  static readonly layer = Layer.effect(
    Watcher,
    Effect.gen(function* () {
      const { location } = yield* Store
      const corpus = yield* Corpus
      const context = yield* Effect.context<Corpus | Runs | Settings | Store>()
      const run = (effect: Effect.Effect<void, never, Corpus | Runs | Settings | Store>) =>
        void Effect.runForkWith(context)(effect)
      let process: Bun.Subprocess | undefined
      let pause = SHORTEST_PAUSE
      let closed = false

      const hear = (message: WatcherMessage) => {
        pause = SHORTEST_PAUSE
        if (message.kind === "found") {
          run(
            Effect.forEach(message.objects, corpus.added).pipe(
              Effect.andThen(corpus.removed(message.gone)),
              Effect.andThen(checkTrigger)
            )
          )
          return
        }
        pause = LONGEST_PAUSE
        run(Effect.logWarning(`Recordings are not embedded as they land: ${message.message}`))
      }
      const start = () => {
        process = Bun.spawn([globalThis.process.execPath, PROGRAM, location], {
          env: childEnvironment(),
          stdio: ["ignore", "ignore", "inherit"],
          serialization: "advanced",
          ipc: hear,
          onExit: () => {
            process = undefined
            setTimeout(() => closed || start(), pause).unref()
            pause = Math.min(2 * pause, LONGEST_PAUSE)
          }
        })
      }

      yield* checkTrigger.pipe(Effect.repeat(Schedule.spaced(PACE)), Effect.forkScoped)
      yield* Effect.acquireRelease(Effect.sync(start), () =>
        Effect.promise(async () => {
          closed = true
          process?.kill()
          await process?.exited
        })
      )
      return Watcher.of({
        landed: (object) =>
          // A process that has just died finds the recording when it is back.
          Effect.ignore(Effect.try(() => process?.send(object))).pipe(
            Effect.andThen(checkTrigger),
            Effect.provideContext(context)
          )
      })
    })
  )
}
