import { Clock, Console, Effect, FileSystem, Layer, Option } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { counted } from "../src/config/inWords.ts"
import { Settings } from "../src/config/settings.ts"
import { CLASS_NAME_RULE } from "../src/store/className.ts"
import { folderStore } from "../src/store/folder.ts"
import { openStoreOrHere } from "../src/store/openStore.ts"
import { listReceipts, planUpload, type Refusal, upload, wrongClasses } from "../src/store/uploadFolder.ts"
import { shareMemory } from "../src/stream/memory.ts"
import { tellFailure } from "./cli/failure.ts"
import { jsonFlag, storeFlag } from "./cli/flags.ts"
import { runMain } from "./cli/runMain.ts"
import { Reporter, reporterLogger } from "./cli/terminal.ts"

const input = {
  folder: Argument.String("folder").pipe(
    Argument.withDescription("A folder that holds a folder of recordings for each class")
  ),
  store: storeFlag(),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Say what would be uploaded, and upload nothing"),
    Flag.withDefault(false)
  ),
  json: jsonFlag()
}

const handle = Effect.fn("upload")(function* (options: Command.Command.Config.Infer<typeof input>) {
  const began = yield* Clock.currentTimeMillis
  const { print, progress, end } = yield* Reporter
  const { fetchConcurrency, maxRecordingMegabytes } = yield* Settings
  const holding = yield* shareMemory(maxRecordingMegabytes)
  const store = yield* openStoreOrHere(options.store)
  const folder = folderStore(options.folder)
  const { stat } = yield* FileSystem.FileSystem
  // As it was given: an empty name is no folder, and would be resolved to this one.
  const found = yield* Effect.option(stat(options.folder))
  if (Option.isNone(found)) {
    const which = options.folder === "" ? "without a name" : folder.location
    return yield* new CliError.UserError({ cause: `There is no folder ${which}.` })
  }
  if (found.value.type !== "Directory") {
    const cause = `${folder.location} is no folder: give the one that holds a folder of recordings for each class.`
    return yield* new CliError.UserError({ cause })
  }
  const plan = yield* planUpload(folder)
  const total = plan.uploads.length + plan.embeddings.length
  if (plan.uploads.length + plan.refused.length === 0) {
    const cause = `There is nothing to upload in ${folder.location}: it should hold a folder of recordings for each class.`
    return yield* new CliError.UserError({ cause })
  }
  const wrong = yield* wrongClasses(store, plan)
  if (wrong.length > 0) {
    const cause = `${wrong.map((name) => `The folder "${name}" cannot be a class.`).join(" ")} ${CLASS_NAME_RULE} Nothing was uploaded.`
    return yield* new CliError.UserError({ cause })
  }

  const counts = { uploaded: 0, unchanged: 0, bytes: 0 }
  const refused: Array<Refusal> = []
  const refuse = ({ source, reason }: Refusal) => {
    refused.push({ source, reason })
    print(`Refused ${source}: ${reason}`)
  }
  plan.refused.forEach(refuse)
  const given = { dryRun: options.dryRun, receipts: yield* listReceipts(store) }
  const stage = { stage: options.dryRun ? "Comparing" : "Uploading", unit: "files", total }
  yield* progress({ ...stage, done: 0 })
  let done = 0
  yield* Effect.forEach(
    plan.uploads,
    Effect.fnUntraced(function* (file) {
      const result = yield* upload(folder, store, file, given).pipe(holding(file.size))
      if (result.outcome === "refused") refuse(result)
      else counts[result.outcome]++
      if (result.outcome === "uploaded") counts.bytes += result.size
      yield* progress({ ...stage, done: ++done })
    }),
    { concurrency: fetchConcurrency, discard: true }
  )

  let parts = 0
  yield* Effect.forEach(
    plan.embeddings,
    Effect.fnUntraced(function* (part) {
      const result = yield* upload(folder, store, part, given).pipe(holding(part.size))
      if (result.outcome === "refused") refuse(result)
      if (result.outcome === "uploaded") parts++
      yield* progress({ ...stage, done: ++done })
    }),
    { concurrency: fetchConcurrency, discard: true }
  )
  yield* end

  const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
  const megabytes = (counts.bytes / 1e6).toFixed(1)
  yield* Console.log(
    `${options.dryRun ? "Would upload" : "Uploaded"} ${counted(counts.uploaded, "file")} (${megabytes} MB) to ${store.location}; ` +
      `${counts.unchanged} were there already, ${refused.length} refused, ${plan.ignored} ignored.` +
      (parts === 0 ? "" : ` With them ${counted(parts, "part")} of embeddings.`)
  )
  if (options.json) {
    const { dryRun } = options
    yield* Console.log(
      JSON.stringify({
        store: store.location,
        dryRun,
        ...counts,
        embeddings: parts,
        ignored: plan.ignored,
        refused,
        seconds
      })
    )
  }
  return refused.length
})

const command = Command.make("upload", input, (options) =>
  handle(options).pipe(
    Effect.provide(reporterLogger),
    Effect.provide(Layer.merge(Settings.layer, Reporter.layer)),
    tellFailure(options.json),
    Effect.flatMap((refused) =>
      refused > 0 ? Effect.fail(new CliError.UserError({ cause: `${counted(refused, "file")} refused.` })) : Effect.void
    ),
    Effect.catchTags({
      StoreError: (cause) => Effect.fail(new CliError.UserError({ cause })),
      SettingError: (cause) => Effect.fail(new CliError.UserError({ cause }))
    })
  )
).pipe(
  Command.withDescription(
    "Puts a folder of recordings into the store's extracted_audio; what is there unchanged stays"
  ),
  Command.withExamples([
    { command: "bun run upload recordings --store s3://my-bucket", description: "Upload recordings/<class>/<files>" },
    { command: "bun run upload recordings --dry-run", description: "See what would be uploaded" }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
