import { Effect, Exit, Result, Scope, Semaphore } from "effect"
import { concatenate } from "../../sound/floats.ts"
import type { Executor } from "./wgsl/executor.ts"
import { DeviceFault } from "./wgsl/fault.ts"

/** How to go on where a device does not. */
export interface Recovery<E> {
  /** Puts the network on a device that works, for batches of this size. */
  readonly open: (batch: number) => Effect.Effect<Executor, DeviceFault | E, Scope.Scope>
  /** The size to begin with. */
  readonly batch: number
  /** Floats of a patch. */
  readonly patchSize: number
  /** Told, in one sentence, what happened and what was done about it. */
  readonly say: (sentence: string) => Effect.Effect<void>
}

/**
 * An executor that outlives its device. Where memory does not suffice, it goes on with half as many patches at once,
 * down to one; where the device is lost, with another one, and fails if that is lost on the same patches. What was
 * computed before is kept. It takes as many patches as it began with, whatever it runs at once.
 */
export const recoveringExecutor = Effect.fn("recoveringExecutor")(function* <E>({
  open,
  batch,
  patchSize,
  say
}: Recovery<E>) {
  const scope = yield* Scope.Scope
  const turn = yield* Semaphore.make(1)

  const start = Effect.fnUntraced(function* (size: number) {
    for (let batch = size; ; batch = Math.floor(batch / 2)) {
      const own = yield* Scope.fork(scope)
      const opened = yield* Effect.result(Scope.provide(open(batch), own))
      if (Result.isSuccess(opened)) {
        return { executor: opened.success, close: Scope.close(own, Exit.void), isRetired: false }
      }
      yield* Scope.close(own, Exit.void)
      if (!(opened.failure instanceof DeviceFault) || opened.failure.kind !== "memory" || batch === 1) {
        return yield* Effect.fail(opened.failure)
      }
      yield* say(`The device has no memory for batches of ${batch} patches: trying half as many.`)
    }
  })
  let current = yield* start(batch)

  // Two batches may be in hand: the second fails of the same cause, or because its memory goes, and finds the executor
  // replaced, or waits until it is.
  const replace = (failed: typeof current, { kind, message }: DeviceFault) =>
    turn.withPermit(
      Effect.gen(function* () {
        if (failed.isRetired) return
        failed.isRetired = true
        yield* failed.close
        const { batch } = failed.executor
        current = yield* start(kind === "memory" ? Math.floor(batch / 2) : batch)
        const remedy =
          kind === "memory" ? `going on with batches of ${current.executor.batch} patches` : "opened another"
        yield* say(`The device ${kind === "memory" ? "ran out of memory" : "was lost"} (${message}): ${remedy}.`)
      })
    )

  const embed = Effect.fnUntraced(function* (patches: Float32Array) {
    const parts: Array<Float32Array> = []
    let lost = false
    for (let at = 0; at * patchSize < patches.length; ) {
      const used = current
      const some = patches.subarray(at * patchSize, (at + used.executor.batch) * patchSize)
      const result = yield* Effect.result(used.executor.embed(some))
      if (Result.isSuccess(result)) {
        parts.push(result.success)
        at += some.length / patchSize
        continue
      }
      const fault = result.failure
      if (!used.isRetired) {
        const hopeless = { refused: true, lost, memory: used.executor.batch === 1 }
        if (hopeless[fault.kind]) return yield* fault
        lost ||= fault.kind === "lost"
      }
      yield* replace(used, fault)
      if (current === used) return yield* fault
    }
    return concatenate(parts)
  })
  return { batch, embed }
})
