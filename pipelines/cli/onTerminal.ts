import { Effect, Layer } from "effect"
import { CliError } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../../src/config/settings.ts"
import { tellFailure } from "./failure.ts"
import { Reporter, reporterLogger } from "./terminal.ts"

/** Runs a command with what the environment sets, on the terminal, and ends it with its failure's sentence. */
export const onTerminal = (json: boolean) => {
  const here = Layer.mergeAll(Settings.layer, Reporter.layer, FetchHttpClient.layer)
  return <A, E, R>(command: Effect.Effect<A, E, R>) =>
    command.pipe(
      Effect.provide(reporterLogger),
      Effect.provide(here),
      tellFailure(json),
      Effect.mapError((cause) => (CliError.isCliError(cause) ? cause : new CliError.UserError({ cause })))
    )
}
