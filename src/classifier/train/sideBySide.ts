import { availableParallelism } from "node:os"
import { Effect, Scope, Semaphore } from "effect"
import { programPath } from "../../processes/programPath.ts"
import type { ProcessError } from "../../processes/requests.ts"
import { supervise } from "../../processes/supervise.ts"
import { type Backend, type Train, TrainingError } from "./backend.ts"
import { trainBy } from "./fit.ts"
import { type Task, Training } from "./task.ts"

const PROGRAM = programPath("./trainerProgram.ts", import.meta.url)

/** Weights times samples seen, from which on a training is worth another process: some 100 ms. */
const LARGE = 1.5e8

/** Epochs that other trainings take as long as: L-BFGS comes to its end, and a discriminant takes all in one step. */
const PASSES = { lbfgs: 25, discriminant: 100 } as const

const isLarge = ({ network, training: { labels }, schedule: { epochs } }: Task): boolean => {
  const { units, optimizer, discriminant } = network
  const weights = units.slice(1).reduce((sum, outputs, layer) => sum + units[layer]! * outputs, 0)
  const passes = discriminant ? PASSES.discriminant : optimizer === "lbfgs" ? Math.min(epochs, PASSES.lbfgs) : epochs
  return weights * labels.length * passes >= LARGE
}

/**
 * A backend of which trainings that are asked for at once run at once: one here, as many others as there are cores in
 * processes, which start when they are first needed, or one of them `ahead`, and end with the scope. onnxruntime holds the thread
 * that it trains on, and one thread is all that a training uses. The same numbers come of it, whoever trains.
 */
export const sideBySide = Effect.fn("sideBySide")(function* (
  backend: Backend,
  { ahead = false }: { readonly ahead?: boolean } = {}
) {
  const scope = yield* Effect.scope
  const here = trainBy(backend)
  const idle: Array<Train> = [here]
  const turns = yield* Semaphore.make(availableParallelism())

  const start = Effect.map(
    Scope.provide(
      supervise(Training, () => [process.execPath, PROGRAM], { restart: false }),
      scope
    ),
    ({ ask }): Train => {
      let hasDied = false
      const instead = Effect.fnUntraced(function* (error: ProcessError, ...asked: Parameters<Train>) {
        hasDied = error._tag === "ProcessDied"
        yield* Effect.logWarning(
          `${error.message} ${hasDied ? "What it would have trained" : "It"} is trained in this process.`
        )
        return yield* here(...asked)
      })
      return (task, onEpoch) =>
        hasDied
          ? here(task, onEpoch)
          : ask("train", task).pipe(
              Effect.tap(({ history }) =>
                Effect.forEach(history, (record, at) => onEpoch(at + 1, record), { discard: true })
              ),
              Effect.catch((error: ProcessError) =>
                error._tag === "RequestFailed" && error.tag === "TrainingError"
                  ? Effect.fail(new TrainingError({ message: error.message }))
                  : instead(error, task, onEpoch)
              )
            )
    }
  )

  if (ahead && availableParallelism() > 1) idle.unshift(yield* start)

  const train: Train = (task, onEpoch) =>
    isLarge(task)
      ? Effect.acquireUseRelease(
          Effect.suspend(() => {
            const trainer = idle.pop()
            return trainer === undefined ? start : Effect.succeed(trainer)
          }),
          (trainer) => trainer(task, onEpoch),
          (trainer) => Effect.sync(() => idle.push(trainer))
        ).pipe(turns.withPermit)
      : here(task, onEpoch)
  return { ...backend, train } satisfies Backend
})
