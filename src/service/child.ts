import { Effect, Schema } from "effect"
import { childEnvironment } from "../config.ts"

/** The process that worked on the request has died, or could not be reached in time. */
export class ChildDied extends Schema.TaggedError<ChildDied>()("ChildDied", { message: Schema.String }) {}

/** So many requests wait that another would only wait longer. */
export class ChildBusy extends Schema.TaggedError<ChildBusy>()("ChildBusy", { message: Schema.String }) {}

/** What goes to the process: a request, and the number that its reply bears. */
export interface Asked<Request> {
  readonly id: number
  readonly request: Request
}

/** What comes from the process. */
export type Told<Reply> = "ready" | { readonly id: number; readonly reply: Reply }

interface Job<Request, Reply> extends Asked<Request> {
  readonly settle: (outcome: Effect.Effect<Reply, ChildDied>) => void
}

export interface Child<Request, Reply> {
  readonly ask: (request: Request) => Effect.Effect<Reply, ChildDied | ChildBusy>
  /** Requests that are not answered yet. */
  readonly waiting: () => number
  /** How often it has died. */
  readonly deaths: () => number
}

/** Requests with the process at once: one at work, one that spares it waiting for the next. */
const AHEAD = 2
const MOST_WAITING = 512
const SHORTEST_PAUSE = 100
const LONGEST_PAUSE = 5_000
/** The slowest decoding allowed takes 30 s of sound about 0.3 s: after this long it hangs. */
const PATIENCE = 30_000

/**
 * Keeps a Bun process running that answers messages in their order, and starts it again when it dies.
 *
 * A death costs the request that was being worked on; those behind it go to the next process. A request that takes
 * longer than 30 s counts as a death. The process says "ready" first.
 */
export const superviseChild = <Request, Reply>(
  command: ReadonlyArray<string>,
  onReady: () => Request | undefined,
  patience = PATIENCE
) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const queue: Array<Job<Request, Reply>> = []
      let sent = 0
      let ready = false
      let closed = false
      let deaths = 0
      let asked = 0
      let pause = SHORTEST_PAUSE
      let process: Bun.Subprocess | undefined
      let alarm: Timer | undefined

      const feed = () => {
        while (ready && sent < Math.min(queue.length, AHEAD)) {
          const { id, request } = queue[sent]!
          ready = deliver(process!, { id, request })
          if (ready) sent++
        }
        // Requests that come meanwhile must not put it off: only a reply or a death does.
        if (sent > 0) alarm ??= setTimeout(() => process?.kill("SIGKILL"), patience)
      }
      const disarm = () => {
        clearTimeout(alarm)
        alarm = undefined
      }

      const start = () => {
        const own = Bun.spawn([...command], {
          env: childEnvironment(),
          stdio: ["ignore", "ignore", "inherit"],
          serialization: "advanced",
          ipc: (message: Told<Reply>) => {
            // A reply may come after the news of the death: by then its request has been settled or goes elsewhere.
            if (own !== process) return
            if (message === "ready") {
              ready = true
              const first = onReady()
              if (first !== undefined) queue.unshift({ id: ++asked, request: first, settle: () => {} })
            } else if (message.id === queue[0]?.id) {
              disarm()
              pause = SHORTEST_PAUSE
              sent--
              queue.shift()?.settle(Effect.succeed(message.reply))
            }
            feed()
          },
          onExit: (_, code, signal) => {
            disarm()
            if (closed) return
            process = undefined
            deaths++
            if (sent > 0) {
              const how = signal === null ? `exit status ${code}` : `signal ${signal}`
              queue.shift()!.settle(Effect.fail(new ChildDied({ message: `The engine process died (${how}).` })))
            }
            sent = 0
            ready = false
            setTimeout(() => closed || start(), pause)
            pause = Math.min(2 * pause, LONGEST_PAUSE)
          }
        })
        process = own
      }

      start()
      const ask = (request: Request) =>
        Effect.callback<Reply, ChildDied | ChildBusy>((resume) => {
          if (queue.length >= MOST_WAITING) {
            resume(Effect.fail(new ChildBusy({ message: `${queue.length} requests are waiting already.` })))
            return
          }
          const job: Job<Request, Reply> = { id: ++asked, request, settle: resume }
          queue.push(job)
          feed()
          return Effect.sync(() => {
            const at = queue.indexOf(job)
            if (at >= sent) queue.splice(at, 1)
          })
        }).pipe(
          Effect.timeoutOrElse({
            duration: 2 * patience,
            orElse: () => Effect.fail(new ChildDied({ message: "The engine process does not start." }))
          })
        )
      const child: Child<Request, Reply> = { ask, waiting: () => queue.length, deaths: () => deaths }
      const close = async () => {
        closed = true
        disarm()
        process?.kill()
        await process?.exited
      }
      return { child, close }
    }),
    ({ close }) => Effect.promise(close)
  ).pipe(Effect.map(({ child }) => child))

// The channel closes before the news of the death comes: what cannot be sent now goes to the next process.
const deliver = (process: Bun.Subprocess, message: Asked<unknown>): boolean => {
  try {
    process.send(message)
    return true
  } catch {
    return false
  }
}
