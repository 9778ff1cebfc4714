import { resolve } from "node:path"
import { ConfigProvider, Console, Effect, FileSystem, Layer, Option } from "effect"
import { CliError, Command, Flag, Prompt } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import packageJson from "../package.json"
import { type Changes, canBeWritten, NOT_WRITTEN, namesIn, withChanges } from "../src/config/envFile.ts"
import { writeWhole } from "../src/config/writeWhole.ts"
import { examine } from "../src/runs/doctor/examine.ts"
import type { Finding } from "../src/runs/doctor/finding.ts"
import { explain } from "../src/store/folder-error.ts"
import { askStore, storeChanges } from "./cli/askStore.ts"
import { tellFailure } from "./cli/failure.ts"
import { describeFinding } from "./cli/findingText.ts"
import { jsonFlag } from "./cli/flags.ts"
import { runEvents } from "./cli/runEvents.ts"
import { runMain } from "./cli/runMain.ts"
import { Reporter, reporterLogger } from "./cli/terminal.ts"

const optionalText = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const input = {
  store: optionalText("store", "Where the recordings are, s3://... or a folder; with it, nothing is asked"),
  endpoint: optionalText("endpoint", "The address of another S3 server than Amazon's"),
  region: optionalText("region", "The bucket's region"),
  accessKeyId: optionalText(
    "access-key-id",
    "The access key; its secret is taken from AWS_SECRET_ACCESS_KEY, for a command line can be seen by others"
  ),
  file: Flag.String("file").pipe(Flag.withDescription("The file to write (default: .env)"), Flag.withDefault(".env")),
  overwrite: Flag.Boolean("overwrite").pipe(
    Flag.withDescription("Change a file that is there; lines of other settings stay"),
    Flag.withDefault(false)
  ),
  json: jsonFlag()
}
type Options = Command.Command.Config.Infer<typeof input>

const refuse = (cause: string) => new CliError.UserError({ cause })

const handle = Effect.fn("init")(function* (options: Options) {
  const fs = yield* FileSystem.FileSystem
  const file = resolve(options.file)
  const asks = Option.isNone(options.store)
  if (asks && !process.stdin.isTTY) {
    return yield* refuse("There is no terminal to ask on: name the recordings by --store, a folder or s3://bucket.")
  }
  const before = (yield* fs.exists(file)) ? yield* fs.readFileString(file) : undefined
  if (before !== undefined && !asks && !options.overwrite) {
    return yield* refuse(`${file} is there already: --overwrite changes the store in it, and leaves its other lines.`)
  }
  const changes = yield* writable(asks ? yield* askStore : yield* readFlags(options))
  const findings = yield* check(changes)
  const blocked = findings.some(({ check, state }) => state === "wrong" && (check === "store" || check === "settings"))
  if (blocked && !(asks && (yield* Prompt.Confirm({ message: "Write it all the same?" })))) {
    return yield* refuse("Nothing is written: mend that first.")
  }
  if (
    before !== undefined &&
    asks &&
    !(yield* Prompt.Confirm({ message: `${file} is there already. Change the store in it? Its other lines stay.` }))
  ) {
    return yield* refuse("Nothing is written.")
  }
  // It may hold a secret.
  yield* writeWhole(file, withChanges(before ?? "", changes), 0o600)
  const names = Object.keys(changes).filter((name) => changes[name] !== undefined)
  yield* Console.log(
    [
      "",
      `${file} sets ${names.join(", ")} now; commands that are started in that folder read it.`,
      ...stronger(changes, before ?? ""),
      "Next: bun run retrain --dry-run says what there is to do, bun run retrain does it, bun run serve shows it."
    ].join("\n")
  )
  if (options.json) yield* Console.log(JSON.stringify({ status: "written", file, settings: names, findings }))
})

/** What the flags say, where nothing is asked. */
const readFlags = Effect.fnUntraced(function* ({ store, endpoint, region, accessKeyId }: Options) {
  const location = Option.getOrThrow(store)
  if (!location.includes("://")) return { STORE: resolve(location) } satisfies Changes
  const secret = process.env.AWS_SECRET_ACCESS_KEY
  if (Option.isSome(accessKeyId) && !secret) {
    return yield* refuse("--access-key-id needs its secret in AWS_SECRET_ACCESS_KEY.")
  }
  return storeChanges({
    STORE: location,
    AWS_ENDPOINT_URL_S3: Option.getOrUndefined(endpoint),
    AWS_REGION: Option.getOrUndefined(region),
    ...(Option.isSome(accessKeyId) ? { AWS_ACCESS_KEY_ID: accessKeyId.value, AWS_SECRET_ACCESS_KEY: secret } : {})
  })
})

const writable = (changes: Changes) => {
  const bad = Object.keys(changes).find((name) => !canBeWritten(changes[name] ?? ""))
  return bad === undefined
    ? Effect.succeed(changes)
    : refuse(`${bad} ${NOT_WRITTEN} Nothing is written: name it otherwise.`)
}

/** What `bun run doctor` will find with these settings. */
const check = Effect.fnUntraced(function* (changes: Changes) {
  const { end } = yield* Reporter
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...changes }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]]
    )
  )
  const found: Array<Finding> = []
  yield* examine({ location: Option.none(), write: false, variables: Object.keys(env) }, (findings) =>
    Effect.gen(function* () {
      found.push(...findings)
      yield* end
      yield* Effect.forEach(findings, (finding) => Console.log(describeFinding(finding)), { discard: true })
    })
  ).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
  return found
})

/** Of variables that the shell sets otherwise, which win over the file. */
const stronger = (changes: Changes, before: string): ReadonlyArray<string> => {
  const fromFile = new Set(namesIn(before))
  const set = Object.keys(changes).filter(
    (name) => !fromFile.has(name) && process.env[name] !== undefined && process.env[name] !== changes[name]
  )
  return set.length === 0
    ? []
    : [`The shell sets ${set.join(", ")} otherwise, and wins over the file: unset what is not meant.`]
}

const command = Command.make("init", input, (options) =>
  handle(options).pipe(
    Effect.provide(runEvents),
    Effect.provide(reporterLogger),
    Effect.provide(Layer.merge(Reporter.layer, FetchHttpClient.layer)),
    Effect.catchTags({
      QuitError: () => refuse("Nothing is written."),
      PlatformError: ({ reason: { method, cause } }) => {
        const file = resolve(options.file)
        return refuse(explain(file, file, method.startsWith("read") ? "read" : "written")(cause).message)
      }
    }),
    tellFailure(options.json)
  )
).pipe(
  Command.withDescription("Asks where the recordings are, looks whether they can be trained from, and writes .env"),
  Command.withExamples([
    { command: "bun run init", description: "Answer some questions" },
    { command: "bun run init --store recordings", description: "For a script: nothing is asked" },
    {
      command: "bun run init --store s3://my-bucket --endpoint http://localhost:9000 --access-key-id me",
      description: "Another S3 server; the secret is taken from AWS_SECRET_ACCESS_KEY"
    }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
