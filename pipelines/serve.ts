import { Console, Effect, Option } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { Settings } from "../src/config/settings.ts"
import { dashboardRoutes } from "../src/dashboard/dashboardRoutes.ts"
import { clearDead } from "../src/registry/lease.ts"
import { mendCopies } from "../src/registry/mendCopies.ts"
import { listen } from "../src/service/app.ts"
import { keepWarm, serviceLayer } from "../src/service/service.ts"
import { spoolFolder } from "../src/service/spool.ts"
import { sweepFolder } from "../src/store/folder-sweep.ts"
import { openStoreOrHere, STORE_SCHEMES } from "../src/store/openStore.ts"
import { storeFlag, wholeNumber } from "./cli/flags.ts"
import { runMain } from "./cli/runMain.ts"

const input = {
  store: storeFlag(),
  host: Flag.String("host").pipe(
    Flag.withDescription("Where to listen (default: HOST, else 127.0.0.1)"),
    Flag.optional
  ),
  port: Flag.Int("port").pipe(
    Flag.withSchema(wholeNumber(0, 65_535)),
    Flag.withDescription("On which port; 0 takes a free one (default: PORT, else 8000)"),
    Flag.optional
  ),
  watch: Flag.Boolean("watch").pipe(
    Flag.withDescription(
      "Embed recordings as they land, and train when enough are new; --no-watch leaves both to bun run watch elsewhere"
    ),
    Flag.withDefault(true)
  )
}

/** What writers that died have left in folders of this machine; a bucket has no such thing. */
const sweep = Effect.fnUntraced(function* (location: string, modelCache: string) {
  const isBucket = STORE_SCHEMES.some((scheme) => location.startsWith(scheme))
  const folders = [spoolFolder(modelCache), ...(isBucket ? [] : [location])]
  const swept = (yield* Effect.forEach(folders, sweepFolder)).reduce((sum, each) => sum + each)
  if (swept > 0) yield* Effect.logInfo(`Files left behind by writers that died were removed: ${swept}.`)
})

const handle = Effect.fn("serve")(function* (options: Command.Command.Config.Infer<typeof input>) {
  const settings = yield* Settings
  const store = yield* openStoreOrHere(options.store, { mayBeAway: true })
  return yield* Effect.gen(function* () {
    const { url } = yield* listen(
      Option.getOrElse(options.host, () => settings.host),
      Option.getOrElse(options.port, () => settings.port),
      yield* dashboardRoutes
    )
    yield* keepWarm
    // A run that died with the machine or the container before, perhaps while it promoted.
    yield* clearDead().pipe(Effect.ignore({ log: "Warn" }), Effect.andThen(mendCopies), Effect.forkScoped)
    yield* sweep(store.location, settings.modelCache).pipe(Effect.forkScoped)
    yield* Console.log(`Serving ${store.location} at ${url.origin}, the dashboard at ${url.origin}/dashboard`)
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(serviceLayer(store, { watching: options.watch })))
})

const command = Command.make("serve", input, (options) =>
  handle(options).pipe(
    Effect.provide(Settings.layer),
    Effect.mapError((cause) => new CliError.UserError({ cause: "detail" in cause ? cause.detail : cause }))
  )
).pipe(
  Command.withDescription("Serves EcoSight's API and the dashboard: predictions, uploads, training runs, models"),
  Command.withExamples([
    { command: "bun run serve --store recordings", description: "For this machine, on port 8000" },
    { command: "API_TOKEN=... bun run serve --store s3://my-bucket --host 0.0.0.0", description: "For others too" }
  ])
)

/** Milliseconds after a signal to end at which another one means it: a terminal's is passed on by `bun run`, too. */
const TWICE = 500

/** A first signal to end lets what is under way finish; a second one does not. */
const endAtOnceIfAskedTwice = () => {
  let askedAt: number | undefined
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      askedAt ??= performance.now()
      if (performance.now() - askedAt > TWICE) process.exit(signal === "SIGINT" ? 130 : 143)
    })
  }
}

/** This command, as a program. */
export const main = () => {
  endAtOnceIfAskedTwice()
  runMain(Command.run(command, { version: packageJson.version }))
}

if (import.meta.main) main()
