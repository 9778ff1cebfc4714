import { isAbsolute } from "node:path"
import { Duration, Effect, Option } from "effect"
import { withoutCredentials } from "../../config/forms.ts"
import { Settings } from "../../config/settings.ts"
import { askDatabase } from "../cluster/database.ts"
import { askTracker } from "../tracking/logRun.ts"
import { trackerAt } from "../tracking/tracker.ts"
import { askQueue } from "../watch/queue.ts"
import { type Finding, note, ok, wrong } from "./finding.ts"

const PATIENCE = Duration.seconds(15)

/** Whether the database, the queue and the tracker of runs answer, where they are set. */
export const examineConnections = Effect.fn("examineConnections")(function* (location: string | undefined) {
  const settings = yield* Settings
  const findings: Array<Finding> = []
  if (Option.isSome(settings.databaseUrl)) {
    findings.push(
      yield* askDatabase(settings.databaseUrl.value).pipe(
        Effect.as(ok("database", "DATABASE_URL answers: `bun run worker` on each machine does the work.")),
        Effect.catchTag("DatabaseError", ({ message }) => Effect.succeed(wrong("database", message)))
      )
    )
  }
  if (Option.isSome(settings.queueUrl)) {
    const url = settings.queueUrl.value
    findings.push(
      location !== undefined && isAbsolute(location)
        ? note("queue", "SQS_QUEUE_URL is set, but the store is a folder: the folder itself is watched.")
        : yield* askQueue(url, settings).pipe(
            Effect.timeoutOrElse({
              duration: PATIENCE,
              orElse: () =>
                Effect.succeed(wrong("queue", `${withoutCredentials(url)} does not answer: see SQS_QUEUE_URL.`))
            }),
            Effect.map((answer) => ("check" in answer ? answer : ok("queue", `${withoutCredentials(url)} answers.`))),
            Effect.catchTag("QueueError", ({ message }) => Effect.succeed(wrong("queue", message)))
          )
    )
  }
  if (Option.isSome(settings.trackingUri)) {
    const tracker = trackerAt(settings.trackingUri.value)
    const server = `The MLflow server at ${tracker.address}`
    findings.push(
      yield* askTracker(tracker).pipe(
        Effect.as(ok("tracker", `${server} answers: each run is logged there.`)),
        Effect.catchTag("TrackerError", ({ message }) =>
          Effect.succeed(
            note("tracker", `${server} ${message}: runs go on, and are not logged there. See MLFLOW_TRACKING_URI.`)
          )
        )
      )
    )
  }
  return findings
})
