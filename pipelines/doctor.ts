import { Console, Effect, Layer } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import packageJson from "../package.json"
import { examine } from "../src/runs/doctor/examine.ts"
import type { Finding } from "../src/runs/doctor/finding.ts"
import { tellFailure } from "./cli/failure.ts"
import { countWrong, describeFinding } from "./cli/findingText.ts"
import { jsonFlag, storeFlag } from "./cli/flags.ts"
import { runEvents } from "./cli/runEvents.ts"
import { runMain } from "./cli/runMain.ts"
import { Reporter, reporterLogger } from "./cli/terminal.ts"

const input = {
  store: storeFlag(),
  write: Flag.Boolean("write").pipe(
    Flag.withDescription("Try to write, too: an object under runs/ that is removed at once"),
    Flag.withDefault(false)
  ),
  json: jsonFlag()
}

const handle = Effect.fn("doctor")(function* ({ store, write, json }: Command.Command.Config.Infer<typeof input>) {
  const { end } = yield* Reporter
  const found: Array<Finding> = []
  yield* examine({ location: store, write, variables: Object.keys(process.env) }, (findings) =>
    Effect.gen(function* () {
      found.push(...findings)
      yield* end
      yield* Effect.forEach(findings, (finding) => Console.log(describeFinding(finding)), { discard: true })
    })
  )
  const wrong = found.filter(({ state }) => state === "wrong").length
  if (wrong === 0) yield* Console.log(countWrong(0))
  if (json) yield* Console.log(JSON.stringify({ status: wrong === 0 ? "ok" : "wrong", findings: found }))
  return wrong
})

const command = Command.make("doctor", input, (options) =>
  handle(options).pipe(
    Effect.provide(runEvents),
    Effect.provide(reporterLogger),
    Effect.provide(Layer.merge(Reporter.layer, FetchHttpClient.layer)),
    tellFailure(options.json),
    Effect.flatMap((wrong) =>
      wrong > 0 ? Effect.fail(new CliError.UserError({ cause: countWrong(wrong) })) : Effect.void
    )
  )
).pipe(
  Command.withDescription(
    "Names what is wrong with a setup, and how to mend it: settings, store, recordings, weights, engine, disk, time"
  ),
  Command.withExamples([
    { command: "bun run doctor", description: "Before the first run, or when something fails" },
    { command: "bun run doctor --store s3://my-bucket --write", description: "See whether the keys may write, too" }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
