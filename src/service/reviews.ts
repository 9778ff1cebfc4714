import { Context, Effect, Layer } from "effect"
import { childEnvironment } from "../config.ts"
import { Store } from "../store/store.ts"

/** Reviews of the recordings: each in a process of its own, one at a time. */
export class Reviews extends Context.Service<
  Reviews,
  {
    /** Begins one; false where one is under way. */
    readonly start: Effect.Effect<boolean>
    /** How far the one under way is, in words; undefined where there is none. */
    readonly progress: () => string | undefined
    /** Why the last one failed, as a sentence; undefined where it did not. */
    readonly failure: () => string | undefined
  }
>()("ecosight/service/Reviews") {
  /** `program` is the path of the command that reviews. */
  static readonly layer = (program: string) =>
    Layer.effect(
      Reviews,
      Effect.gen(function* () {
        const { location } = yield* Store
        const context = yield* Effect.context<never>()
        let running: Bun.Subprocess<"ignore", "ignore", "pipe"> | undefined
        let progress = ""
        let failure: string | undefined

        const follow = async (process: NonNullable<typeof running>) => {
          const decoder = new TextDecoder()
          let said = ""
          for await (const chunk of process.stderr) {
            said += decoder.decode(chunk, { stream: true })
            progress = lastLine(said)
          }
          const code = await process.exited
          running = undefined
          // What names the store is for the log.
          failure = code === 0 ? undefined : lastLine(said).replaceAll(location, "The store") || "The review failed."
          if (failure !== undefined) Effect.runForkWith(context)(Effect.logWarning(`The review failed: ${said.trim()}`))
        }
        yield* Effect.addFinalizer(() =>
          Effect.promise(async () => {
            running?.kill()
            await running?.exited
          })
        )
        return Reviews.of({
          start: Effect.sync(() => {
            if (running !== undefined) return false
            progress = ""
            running = Bun.spawn([globalThis.process.execPath, program, "list", "--store", location], {
              env: childEnvironment(),
              stdio: ["ignore", "ignore", "pipe"]
            })
            void follow(running)
            return true
          }),
          progress: () => (running === undefined ? undefined : progress),
          failure: () => failure
        })
      })
    )
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1)!.trim()
