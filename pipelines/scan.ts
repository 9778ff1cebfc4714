import { Clock, Console, Effect, Layer, Option, Stream } from "effect"
import { CliError, Command } from "effect/cli"
import packageJson from "../package.json"
import { counted, lengthInWords, sitesInWords } from "../src/config/inWords.ts"
import { Scans } from "../src/embeddings/scans/scans.ts"
import { frequentInWords } from "../src/runs/scan/frequent.ts"
import type { ScanOptions, ScanSummary } from "../src/runs/scan/scan.ts"
import type { ScanProgress } from "../src/runs/scan/scanProgress.ts"
import { scanStore } from "../src/runs/scan/scanStore.ts"
import { eventsOf } from "../src/runs/scan/storedEvents.ts"
import { writeTables } from "../src/runs/scan/tables.ts"
import { toldFromInWords } from "../src/runs/scan/toldFrom.ts"
import { openStore } from "../src/store/openStore.ts"
import { Store } from "../src/store/store.ts"
import { askedCluster, clusterFlag, jsonFlag, storeFlag } from "./cli/flags.ts"
import { readJudgements } from "./cli/judgements.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runMain } from "./cli/runMain.ts"
import { describeUndated, readScanFlags, scanFlags } from "./cli/scanFlags.ts"
import { Reporter } from "./cli/terminal.ts"

const input = {
  store: storeFlag(),
  ...scanFlags,
  cluster: clusterFlag,
  json: jsonFlag("Print how far it is every few seconds, and at last the result, as lines of JSON on standard output")
}
type Options = Command.Command.Config.Infer<typeof input>

/** Milliseconds between two lines of JSON. */
const JSON_EVERY = 5000

const handle = Effect.fn("scan.command")(function* (options: Options) {
  const { progress, print, end } = yield* Reporter
  const { formats, ...asked } = yield* readScanFlags(options)
  const opened = yield* openStore(options.store)
  if (Option.isNone(opened)) return yield* new CliError.UserError({ cause: "No store is given: add --store." })
  const cluster = yield* askedCluster(options.cluster)
  let told = yield* Clock.currentTimeMillis
  const onProgress = Effect.fnUntraced(function* (latest: ScanProgress) {
    yield* progress(shown(latest))
    const now = yield* Clock.currentTimeMillis
    if (!options.json || now - told < JSON_EVERY) return
    told = now
    yield* Console.log(JSON.stringify({ status: "running", ...latest }))
  })
  const asking: ScanOptions = {
    ...asked,
    onProgress,
    onSkip: (key, reason) => Effect.sync(() => print(`Skipped ${key}: ${reason}`))
  }
  yield* Effect.gen(function* () {
    const { placed, settings, ...summary } = yield* scanStore(cluster, asking)
    const tables =
      formats.length === 0 || summary.model === null
        ? []
        : yield* writeTables(
            options.out,
            formats,
            yield* Stream.runCollect(eventsOf(summary.model, settings, placed)),
            yield* readJudgements(formats)
          )
    yield* end
    yield* Console.log(describe(summary, tables))
    if (options.json) yield* Console.log(JSON.stringify({ status: "finished", ...summary, tables }))
  }).pipe(Effect.provide(Scans.layer.pipe(Layer.provideMerge(Layer.succeed(Store, opened.value)))))
})

const shown = ({ hours, totalHours, speed }: ScanProgress) => ({
  stage: "Scanning",
  unit: "hours",
  done: Math.round(hours * 100) / 100,
  total: Math.round(totalHours * 100) / 100,
  speed: `${Math.round(speed).toLocaleString("en")} × real time`
})

/** What a scan came to. */
export const describe = (summary: ScanSummary, tables: ReadonlyArray<string>): string => {
  const { heard, undated, hours, storedHours, seconds, speed, skipped, repaired, odd, learnt, events, model, store } =
    summary
  const found = Object.entries(events).map(([name, count]) => `${count.toLocaleString("en")} of ${name}`)
  return [
    heard === 0
      ? `${skipped.length === 0 ? "Nothing is new" : "Nothing new could be heard"} in ${store}: ${lengthInWords(storedHours)} were heard before.`
      : `Heard ${counted(heard, "recording")} of ${lengthInWords(hours)} in ${seconds.toFixed(1)} s, ` +
        `${Math.round(speed).toLocaleString("en")} × real time; ${lengthInWords(storedHours)} are heard in all.`,
    model === null
      ? "No model is promoted, so there are no events yet: bun run retrain trains one, and the next scan tells them."
      : `${model} hears ${found.length === 0 ? "no events" : `events: ${found.join(", ")}`}.`,
    ...(learnt.length === 0
      ? []
      : [`It has learnt the sound of ${sitesInWords(learnt)}, and judged anew what was heard there.`]),
    ...(model === null ? [] : [toldFromInWords(summary)]),
    ...frequentInWords(summary.frequent),
    ...shorten([...repaired, ...odd].map(({ key, note }) => `${key}: ${note}`)),
    ...(skipped.length > 0 ? [`${skipped.length} could not be heard.`] : []),
    ...describeUndated(undated),
    ...(tables.length > 0
      ? [`Wrote ${tables.length === 1 ? tables[0] : `${tables.length} tables, such as ${tables[0]}`}.`]
      : [])
  ].join("\n")
}

/** Notes at most; JSON has all, but for what was wrong with recordings that were heard before. */
const SHOWN = 20

const shorten = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length <= SHOWN
    ? lines
    : [...lines.slice(0, SHOWN), `And ${lines.length - SHOWN} more: the dashboard's page Field has them, site by site.`]

const command = Command.make("scan", input, (options) =>
  handle(options).pipe(Effect.scoped, onTerminal(options.json))
).pipe(
  Command.withDescription("Hears field recordings of any length, and says what the model hears where"),
  Command.withExamples([
    { command: "bun run scan --store s3://my-bucket", description: "Hear what is new in field_audio" },
    {
      command: "bun run scan --site ridge --threshold gun_shot=0.7 --format raven,csv --out tables",
      description: "One site's events as tables"
    }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
