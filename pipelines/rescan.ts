import { Console, Effect, Layer, Option, Stream } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import type { Event } from "../src/classifier/events/event.ts"
import { counted, lengthInWords } from "../src/config/inWords.ts"
import { Scans } from "../src/embeddings/scans/scans.ts"
import { frequentInWords } from "../src/runs/scan/frequent.ts"
import { type RescanSummary, rescan } from "../src/runs/scan/rescan.ts"
import { eventsOf } from "../src/runs/scan/storedEvents.ts"
import { writeTables } from "../src/runs/scan/tables.ts"
import { toldFromInWords } from "../src/runs/scan/toldFrom.ts"
import { settledEmbedder } from "../src/runs/services.ts"
import { openStore } from "../src/store/openStore.ts"
import { Store } from "../src/store/store.ts"
import { jsonFlag, storeFlag } from "./cli/flags.ts"
import { readJudgements } from "./cli/judgements.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runMain } from "./cli/runMain.ts"
import { describeUndated, readScanFlags, scanFlags } from "./cli/scanFlags.ts"
import { table } from "./cli/summaryText.ts"

const input = {
  store: storeFlag(),
  ...scanFlags,
  against: Flag.String("against").pipe(
    Flag.withDescription("The version whose events these are compared with (default: the one promoted before)"),
    Flag.optional
  ),
  json: jsonFlag()
}
type Options = Command.Command.Config.Infer<typeof input>

const handle = Effect.fn("rescan.command")(function* (options: Options) {
  const { formats, ...asked } = yield* readScanFlags(options)
  const opened = yield* openStore(options.store)
  if (Option.isNone(opened)) return yield* new CliError.UserError({ cause: "No store is given: add --store." })
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  yield* Effect.gen(function* () {
    const { placed, settings, ...summary } = yield* rescan(embedder, {
      ...asked,
      against: Option.getOrUndefined(options.against)
    })
    const tables =
      formats.length === 0
        ? []
        : yield* writeTables(
            options.out,
            formats,
            yield* Stream.runCollect(eventsOf(summary.model, settings, placed)),
            yield* readJudgements(formats)
          )
    yield* Console.log(describe(summary))
    if (tables.length > 0) yield* Console.log(`\nWrote ${counted(tables.length, "table")}, such as ${tables[0]}.`)
    if (options.json) yield* Console.log(JSON.stringify({ status: "finished", ...summary, tables }))
  }).pipe(Effect.provide(Scans.layer.pipe(Layer.provideMerge(Layer.succeed(Store, opened.value)))))
})

/** Rows of the table at most; JSON and the tables of events have all. */
const SHOWN = 40

const describe = (summary: Shown): string => {
  const { model, against, recordings, undated, judged, hours, seconds, speed, events, changes } = summary
  const heard =
    `${model} hears ${counted(events, "event")} in ${counted(recordings, "recording")} of ${lengthInWords(hours)}` +
    (judged === 0
      ? ", as it did before."
      : ` (${judged} heard anew in ${seconds.toFixed(1)} s${speed === null ? "" : `, ${Math.round(speed).toLocaleString("en")} × real time`}).`)
  const told = [heard, toldFromInWords(summary), ...frequentInWords(summary.frequent), ...describeUndated(undated)]
  if (changes === null)
    return [...told, "There is no other version to compare it with: name one with --against."].join("\n")
  const { gained, lost, moved, same } = changes
  const rows = [
    ...gained.map((event) => row("gained", event)),
    ...lost.map((event) => row("lost", event)),
    ...moved.map(({ before, after }) => row("moved", after, `from ${before.start} to ${before.end} s`))
  ]
  const more = rows.length - SHOWN
  return [
    ...told,
    `Against ${against}: ${gained.length} gained, ${lost.length} lost, ${moved.length} moved, ${same} the same.`,
    ...(rows.length === 0
      ? []
      : ["", table([["change", "recording", "start", "end", "class", "peak", "before"], ...rows.slice(0, SHOWN)])]),
    ...(more > 0 ? [`And ${more} more: --json tells all.`] : [])
  ].join("\n")
}
type Shown = Omit<RescanSummary, "placed" | "settings">

const row = (change: string, event: Event, before = ""): ReadonlyArray<string> => [
  change,
  event.recording,
  event.start.toFixed(2),
  event.end.toFixed(2),
  event.class,
  event.peak.toFixed(3),
  before
]

const command = Command.make("rescan", input, (options) =>
  handle(options).pipe(Effect.scoped, onTerminal(options.json))
).pipe(
  Command.withDescription(
    "Hears everything that was scanned by another model, without its recordings, and says what changed"
  ),
  Command.withExamples([
    { command: "bun run rescan --store s3://my-bucket", description: "Hear the archive by the promoted model" },
    {
      command: "bun run rescan --model 20260101T000000Z --against 20251201T000000Z --json",
      description: "Compare two versions, for a script"
    }
  ])
)

/** This command, as a program. */
export const main = () => runMain(Command.run(command, { version: packageJson.version }))

if (import.meta.main) main()
