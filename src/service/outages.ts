import { Context, Effect, Layer } from "effect"

/** What the service needs and may do without for a while. */
export type Part = "store" | "database" | "model"

/** What cannot be used at the moment, and since when (ISO 8601, UTC). */
export type Away = Readonly<Partial<Record<Part, string>>>

/** Remembers what cannot be used, so that who asks is answered from memory. */
export class Outages extends Context.Service<
  Outages,
  {
    /** Tells that a part was tried; `trouble` is why it cannot be used. The first time, and the last, are logged. */
    readonly tried: (part: Part, trouble?: string) => Effect.Effect<void>
    readonly away: () => Away
  }
>()("ecosight/service/Outages") {
  static readonly layer = Layer.sync(Outages, () => {
    const since = new Map<Part, string>()
    return Outages.of({
      tried: (part, trouble) =>
        Effect.suspend(() => {
          if (since.has(part) === (trouble !== undefined)) return Effect.void
          if (trouble === undefined) {
            since.delete(part)
            return Effect.logInfo(`The ${part} can be used again.`)
          }
          since.set(part, new Date().toISOString())
          return Effect.logWarning(`The ${part} cannot be used: ${trouble}`)
        }),
      away: () => Object.fromEntries(since)
    })
  })
}
