import { Context, Effect, Layer, Schedule } from "effect"
import type { Settings } from "../config/settings.ts"
import { programPath } from "../processes/programPath.ts"
import type { Event } from "../processes/protocol.ts"
import { supervise } from "../processes/supervise.ts"
import { type ObjectInfo, Store } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import { Watching } from "./protocols.ts"
import type { Runs } from "./runs.ts"
import { checkTrigger } from "./trigger.ts"

const PROGRAM = programPath("./watcherProgram.ts", import.meta.url)
/** Milliseconds until one that has died again and again is started anew, or one that has failed is asked again. */
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
      const scope = yield* Effect.scope
      const process = yield* supervise(Watching, () => [globalThis.process.execPath, PROGRAM, location], {
        restart: true,
        longestPause: LONGEST_PAUSE
      })

      const hear = ({ objects, gone }: Event<typeof Watching, "follow">) =>
        void Effect.runForkWith(context)(
          Effect.forEach(objects, (object) => corpus.added(object)).pipe(
            Effect.andThen(corpus.removed(gone)),
            Effect.andThen(checkTrigger)
          )
        )
      yield* process.ask("follow", undefined, hear).pipe(
        Effect.catchTag("RequestFailed", ({ message }) =>
          Effect.andThen(
            Effect.logWarning(`Recordings are not embedded as they land: ${message}`),
            Effect.sleep(LONGEST_PAUSE)
          )
        ),
        // What has died is asked again when it is back.
        Effect.ignore,
        Effect.forever,
        Effect.forkScoped
      )
      yield* checkTrigger.pipe(Effect.repeat(Schedule.spaced(PACE)), Effect.forkScoped)
      return Watcher.of({
        landed: (object) =>
          // A process that has just died finds the recording when it is back.
          Effect.ignore(process.ask("landed", object)).pipe(
            Effect.forkIn(scope),
            Effect.andThen(checkTrigger),
            Effect.provideContext(context)
          )
      })
    })
  )
}
