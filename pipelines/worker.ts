import { Console, Effect, Layer, Option } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { Settings } from "../src/config/settings.ts"
import { programPath } from "../src/processes/programPath.ts"
import { EngineProcess } from "../src/runs/cluster/engineProcess.ts"
import { ownHost, work } from "../src/runs/cluster/worker.ts"
import { openStoreOrHere } from "../src/store/openStore.ts"
import { Store } from "../src/store/store.ts"
import { storeFlag, wholeNumber } from "./cli/flags.ts"
import { runMain } from "./cli/runMain.ts"
import { Reporter, reporterLogger } from "./cli/terminal.ts"

const PROGRAM = programPath("../src/runs/cluster/engineProgram.ts", import.meta.url)
const HEALTH_PORT = 8100

const input = {
  store: storeFlag(),
  port: Flag.Int("port").pipe(
    Flag.withSchema(wholeNumber(0, 65_535)),
    Flag.withDescription(`The port of GET /health; 0 takes a free one (default: ${HEALTH_PORT})`),
    Flag.withDefault(HEALTH_PORT)
  ),
  embedConcurrency: Flag.Int("embed-concurrency").pipe(
    Flag.withSchema(wholeNumber(1, 64)),
    Flag.withDescription("Shards embedded or heard at once; one's end overlaps the next one's start (default: 2)"),
    Flag.withDefault(2)
  ),
  host: Flag.String("host").pipe(
    Flag.withDescription("The name or address under which the other workers reach this machine (default: found out)"),
    Flag.optional
  ),
  clusterPort: Flag.Int("cluster-port").pipe(
    Flag.withSchema(wholeNumber(0, 65_535)),
    Flag.withDescription("The port for the other workers, which must be able to reach it (default: a free one)"),
    Flag.withDefault(0)
  )
}

const handle = Effect.fn("worker")(function* (options: Command.Command.Config.Infer<typeof input>) {
  const { databaseUrl } = yield* Settings
  if (Option.isNone(databaseUrl)) {
    const cause = "Workers meet in a PostgreSQL database: set DATABASE_URL to its address."
    return yield* new CliError.UserError({ cause })
  }
  const store = yield* openStoreOrHere(options.store)
  const worker = {
    databaseUrl: databaseUrl.value,
    host: Option.getOrElse(options.host, () => ownHost(databaseUrl.value)),
    clusterPort: options.clusterPort,
    port: options.port,
    capacity: options.embedConcurrency
  }
  return yield* work(worker, (address, health) =>
    Console.log(`Working on ${store.location} as ${address}; ${health} tells how it goes.`)
  ).pipe(
    Effect.provide(
      Layer.merge(EngineProcess.layer([process.execPath, PROGRAM, store.location]), Layer.succeed(Store, store))
    )
  )
})

const command = Command.make("worker", input, (options) =>
  handle(options).pipe(
    Effect.provide(reporterLogger),
    Effect.provide(Layer.merge(Settings.layer, Reporter.layer)),
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription(
    "Embeds for runs on a cluster, trains, and hears for scans; until it is stopped, when it finishes what it has"
  ),
  Command.withExamples([
    { command: "DATABASE_URL=postgres://... bun run worker --store s3://my-bucket", description: "One more machine" }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
