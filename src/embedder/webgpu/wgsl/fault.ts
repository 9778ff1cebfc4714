import { Effect, Schema } from "effect"

/** A device that did not do what it was told. */
export class DeviceFault extends Schema.TaggedError<DeviceFault>()("DeviceFault", {
  /** What may help: fewer patches at once, another device, or neither. */
  kind: Schema.Literals(["memory", "lost", "refused"]),
  message: Schema.String
}) {}

// From the outermost: an error is caught by the innermost scope of its kind.
const SCOPES = [
  { filter: "internal", kind: "refused" },
  { filter: "validation", kind: "refused" },
  { filter: "out-of-memory", kind: "memory" }
] as const

type Outcome<A> = { readonly value: A } | { readonly error: string } | { readonly lost: string }

/**
 * Does `work` and fails with what the device had to say of it, which WebGPU itself does not: it goes on with zeros.
 *
 * Only what is called before `work` first waits is watched, and what that started.
 */
export const onDevice = <A>(device: GPUDevice, work: () => Promise<A>): Effect.Effect<A, DeviceFault> =>
  Effect.promise(async () => {
    for (const { filter } of SCOPES) device.pushErrorScope(filter)
    const working = work().then(
      (value): Outcome<A> => ({ value }),
      (error: Error): Outcome<A> => ({ error: error.message })
    )
    const said = SCOPES.toReversed().map(({ kind }) =>
      device.popErrorScope().then((error) => error && new DeviceFault({ kind, message: error.message }))
    )
    const lost = device.lost.then(({ message }): Outcome<A> => ({ lost: message }))
    const errors = await Promise.race([Promise.all(said).catch(() => []), lost.then(() => [])])
    const outcome = await Promise.race([lost, working])
    return { fault: errors.find((error) => error !== null), outcome }
  }).pipe(
    Effect.flatMap(({ fault, outcome }) => {
      if ("lost" in outcome) {
        const kind = /memory/i.test(outcome.lost) ? "memory" : "lost"
        return Effect.fail(new DeviceFault({ kind, message: outcome.lost }))
      }
      if (fault != null) return Effect.fail(fault)
      if ("error" in outcome) return Effect.fail(new DeviceFault({ kind: "refused", message: outcome.error }))
      return Effect.succeed(outcome.value)
    })
  )
