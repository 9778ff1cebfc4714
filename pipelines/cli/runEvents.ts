import { Effect, Layer } from "effect"
import { counted } from "../../src/config/inWords.ts"
import { RunEvents } from "../../src/stream/events.ts"
import { STAGES } from "../../src/stream/stages.ts"
import { Reporter } from "./terminal.ts"

/** Shows a run's events on the terminal. */
export const runEvents = Layer.effect(
  RunEvents,
  Effect.map(Reporter, ({ progress, print }) =>
    RunEvents.of((event) => {
      if (event.stage === "skip") return Effect.sync(() => print(`Skipped ${event.key}: ${event.reason}`))
      const { title, unit } = STAGES[event.stage]
      return progress({
        stage: title,
        unit,
        done: event.done,
        ...("total" in event && { total: event.total }),
        ...("workers" in event && event.workers !== undefined && { note: describeWorkers(event.workers) })
      })
    })
  )
)

// "3 workers: 10.0.0.4:41233 9.1/s, ..."
const describeWorkers = (workers: ReadonlyArray<{ readonly name: string; readonly rate: number }>): string => {
  const rates = workers.map(({ name, rate }) => `${name} ${rate.toFixed(1)}/s`)
  return `${counted(workers.length, "worker")}${rates.length > 0 ? `: ${rates.join(", ")}` : ""}`
}
