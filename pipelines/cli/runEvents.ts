import { Effect, Layer } from "effect"
import { RunEvents } from "../../src/stream/events.ts"
import { Reporter } from "./terminal.ts"

/** Shows a run's events on the terminal. */
export const runEvents = Layer.effect(
  RunEvents,
  Effect.map(Reporter, ({ progress, print }) =>
    RunEvents.of((event) => {
      switch (event.stage) {
        case "list":
          return progress({ stage: "Listing", unit: "recordings", done: event.done })
        case "stream":
          return progress({
            stage: "Embedding",
            unit: "clips",
            done: event.done,
            total: event.total,
            ...(event.workers === undefined ? {} : { note: describeWorkers(event.workers) })
          })
        case "skip":
          return Effect.sync(() => print(`Skipped ${event.key}: ${event.reason}`))
        case "search":
          return progress({ stage: "Looking for a head", unit: "s", done: event.done, total: event.total })
        case "train":
          return progress({ stage: "Training", unit: "epochs", done: event.done, total: event.total })
        case "mix":
          return progress({ stage: "Hearing soundscapes", unit: "minutes", done: event.done, total: event.total })
        case "publish":
          return progress({ stage: "Writing", unit: "files", done: event.done, total: event.total })
      }
    })
  )
)

// "3 workers: 10.0.0.4:41233 9.1/s, ..."
const describeWorkers = (workers: ReadonlyArray<{ readonly name: string; readonly rate: number }>): string => {
  const rates = workers.map(({ name, rate }) => `${name} ${rate.toFixed(1)}/s`)
  return `${workers.length} ${workers.length === 1 ? "worker" : "workers"}${rates.length > 0 ? `: ${rates.join(", ")}` : ""}`
}
