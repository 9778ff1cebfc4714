import { Context, Effect, Layer, Schema } from "effect"
import { childEnvironment } from "../../config.ts"
import type { RunEvent } from "../../stream/events.ts"
import { type About, ANSWERS, type FromProcess, type Request, type ToProcess } from "./tasks.ts"

/** The engine process died over a task, or did nothing for so long that it was ended. */
export class ProcessDied extends Schema.TaggedError<ProcessDied>()("ProcessDied", { message: Schema.String }) {}

/** The engine process refused or failed a task; `tag` is the error's own. */
export class TaskFailed extends Schema.TaggedError<TaskFailed>()("TaskFailed", {
  tag: Schema.String,
  message: Schema.String
}) {}

/** The engine process cannot start; `message` says why. */
export class ProcessUnusable extends Schema.TaggedError<ProcessUnusable>()("ProcessUnusable", {
  message: Schema.String
}) {}

type Answer<K extends keyof typeof ANSWERS> = (typeof ANSWERS)[K]["Type"]

interface Waiting {
  readonly request: Request
  readonly heard: (event: RunEvent) => void
  readonly settle: (outcome: Effect.Effect<unknown, ProcessDied | TaskFailed>) => void
  alarm: Timer | undefined
}

/** The slowest recording gets 60 s: a shard of which nothing is heard for twice that hangs. */
const PATIENCE = 120_000
const PAUSE = 500

/**
 * A worker's engine, in a process of its own: what ends it costs the tasks it had, not the worker's place in the
 * cluster, and training that holds the processor for long does not make the worker look dead.
 */
export class EngineProcess extends Context.Service<
  EngineProcess,
  {
    readonly about: About
    /** Does a task; `heard` gets its events. Interrupting it cancels the task. */
    readonly ask: <R extends Request>(
      request: R,
      heard: (event: RunEvent) => void
    ) => Effect.Effect<Answer<R["kind"]>, ProcessDied | TaskFailed>
    readonly deaths: () => number
  }
>()("ecosight/runs/cluster/EngineProcess") {
  static readonly layer = (command: ReadonlyArray<string>) => Layer.effect(EngineProcess, start(command))
}

const start = (command: ReadonlyArray<string>) =>
  Effect.callback<EngineProcess["Service"] & { readonly close: () => Promise<void> }, ProcessUnusable>((resume) => {
    const waiting = new Map<number, Waiting>()
    let unsent: Array<ToProcess> = []
    let process: Bun.Subprocess | undefined
    let ready = false
    let closed = false
    let asked = 0
    let deaths = 0

    const send = (message: ToProcess) => {
      try {
        if (ready) process!.send(message)
        else unsent.push(message)
      } catch {
        // The channel closes before the news of the death comes, which settles what was waiting.
      }
    }
    const watch = (task: Waiting) => {
      clearTimeout(task.alarm)
      if (task.request.kind === "embed") task.alarm = setTimeout(() => process?.kill("SIGKILL"), PATIENCE)
    }
    const take = (id: number) => {
      const task = waiting.get(id)
      waiting.delete(id)
      clearTimeout(task?.alarm)
      return task
    }

    const hear = (message: FromProcess) => {
      switch (message.kind) {
        case "ready":
          ready = true
          for (const held of unsent.splice(0)) send(held)
          resume(Effect.succeed({ about: message.about, ask, deaths: () => deaths, close }))
          return
        case "unusable":
          resume(Effect.fail(new ProcessUnusable({ message: message.message })))
          return
        case "event": {
          const task = waiting.get(message.id)
          if (task === undefined) return
          watch(task)
          task.heard(message.event)
          return
        }
        case "succeeded":
          take(message.id)?.settle(Effect.succeed(message.value))
          return
        case "failed":
          take(message.id)?.settle(Effect.fail(new TaskFailed({ tag: message.tag, message: message.message })))
      }
    }

    const run = () => {
      process = Bun.spawn([...command], {
        env: childEnvironment(),
        stdio: ["ignore", "inherit", "inherit"],
        serialization: "advanced",
        ipc: (message: FromProcess) => hear(message),
        onExit: (_, code, signal) => {
          ready = false
          if (closed) return
          deaths++
          unsent = []
          const how = signal === null ? `exit status ${code}` : `signal ${signal}`
          const message = `The engine process ended (${how}).`
          resume(Effect.fail(new ProcessUnusable({ message })))
          for (const id of [...waiting.keys()]) take(id)!.settle(Effect.fail(new ProcessDied({ message })))
          setTimeout(() => closed || run(), PAUSE)
        }
      })
    }
    const close = async () => {
      closed = true
      process?.kill("SIGKILL")
      await process?.exited
    }

    const ask = <R extends Request>(request: R, heard: (event: RunEvent) => void) =>
      Effect.callback<unknown, ProcessDied | TaskFailed>((settle) => {
        const id = ++asked
        const task: Waiting = { request, heard, settle, alarm: undefined }
        waiting.set(id, task)
        watch(task)
        send({ id, request })
        return Effect.sync(() => {
          if (take(id) !== undefined) send({ id, cancel: true })
        })
      }).pipe(
        Effect.flatMap((value) =>
          Schema.decodeUnknownEffect(ANSWERS[request.kind] as Schema.Codec<Answer<R["kind"]>>)(value).pipe(Effect.orDie)
        )
      )

    run()
    return Effect.promise(close)
  }).pipe((started) => Effect.acquireRelease(started, ({ close }) => Effect.promise(close)))
