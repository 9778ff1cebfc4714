import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Layer, Option, Stream } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import packageJson from "../package.json"
import { counted } from "../src/config/inWords.ts"
import type { Settings } from "../src/config/settings.ts"
import { Embeddings } from "../src/embeddings/embeddings.ts"
import { lookThrough } from "../src/review/lookThrough.ts"
import { keep, type Move, onAll, relabel, restore, setAside } from "../src/review/moves.ts"
import { openItems, type Review } from "../src/review/review.ts"
import { listUnlabelled } from "../src/review/unlabelled.ts"
import { settledEmbedder } from "../src/runs/services.ts"
import { SET_ASIDE_PREFIX } from "../src/store/keys.ts"
import { openStore } from "../src/store/openStore.ts"
import { Store } from "../src/store/store.ts"
import { recordingVersions } from "../src/stream/recordings.ts"
import { jsonFlag, storeFlag, wholeNumber } from "./cli/flags.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runMain } from "./cli/runMain.ts"
import { printable, Reporter } from "./cli/terminal.ts"

const flags = { store: storeFlag(), json: jsonFlag() }

const review = Command.make("review").pipe(
  Command.withSharedFlags(flags),
  Command.withDescription(
    "Looks for likely wrong labels, near-duplicates of different sources and silence, and carries out what you decide"
  ),
  Command.withExamples([
    { command: "bun run review --store s3://my-bucket", description: "See what is worth a look" },
    {
      command: "bun run review relabel extracted_audio/dogs/7.wav foxes",
      description: "Move a recording to another class"
    }
  ])
)

type Flags = Command.Command.Config.Infer<typeof flags>

/** Runs a subcommand on the store that the shared flags name, and prints what it returns. */
const onStore = <A, E>(
  work: Effect.Effect<A, E, Store | Settings | Embeddings | Reporter>,
  describe: (result: A) => string
) => Effect.flatMap(review, (given) => runOn(given, work, describe))

const runOn = Effect.fnUntraced(function* <A, E>(
  { store, json }: Flags,
  work: Effect.Effect<A, E, Store | Settings | Embeddings | Reporter>,
  describe: (result: A) => string
) {
  yield* Effect.gen(function* () {
    const opened = yield* openStore(store)
    if (Option.isNone(opened)) return yield* new CliError.UserError({ cause: "No store is given: add --store." })
    const result = yield* work.pipe(
      Effect.provide(Embeddings.layer.pipe(Layer.provideMerge(Layer.succeed(Store, opened.value))))
    )
    yield* (yield* Reporter).end
    yield* Console.log(describe(result))
    if (json) yield* Console.log(JSON.stringify(result))
  }).pipe(onTerminal(json))
})

const findOpen = Effect.gen(function* () {
  const { progress, print } = yield* Reporter
  // A store whose last training was a demonstration, on an untrained network.
  const found = yield* lookThrough(settledEmbedder({ allowUntrained: true }), {
    onStep: progress,
    onSkip: (key, reason) => Effect.sync(() => print(`Skipped ${key}: ${reason}`)),
    onUnkept: (message) => Effect.sync(() => print(`What is found is shown, and not kept: ${message}`))
  })
  const unlabelled = yield* listUnlabelled
  const there = new Set([...(yield* recordingVersions), ...unlabelled].map(({ key }) => key))
  return yield* openItems(found, (key) => there.has(key))
}).pipe(Effect.provide(Layer.merge(FetchHttpClient.layer, NodeServices.layer)))

const LIMIT = 20
const list = Command.make(
  "list",
  {
    limit: Flag.Int("limit").pipe(
      Flag.withSchema(wholeNumber(1, 100_000)),
      Flag.withDescription(`Print so many of each kind at most; --json has all (default: ${LIMIT})`),
      Flag.withDefault(LIMIT)
    )
  },
  ({ limit }) => onStore(findOpen, (found) => describeReview(found, limit))
).pipe(Command.withDescription("What is worth a look; the same as no subcommand"))

const describeReview = (
  { recordings, unknown, suspects, duplicates, silent, unlabelled }: Review,
  limit: number
): string => {
  const section = (title: string, lines: ReadonlyArray<string>) => [
    "",
    `${title}: ${lines.length === 0 ? "none." : lines.length}`,
    ...lines.slice(0, limit).map(printable),
    ...(lines.length > limit ? [`... and ${lines.length - limit} more: add --limit or --json.`] : [])
  ]
  return [
    `${counted(recordings, "recording")} looked through.${unknown > 0 ? ` ${unknown} more are new, were copied or moved, or are not usable: a training looks at them.` : ""}`,
    ...section(
      "Labels that are likely wrong",
      suspects.map(({ key, suggested, score, why }) => `${score.toFixed(2)}  ${key}  rather ${suggested}. ${why}`)
    ),
    ...section(
      "Near-duplicates under names of different sources, kept on one side of the split",
      duplicates.map(({ recordings: [a, b], correlation }) => {
        const note = a.className === b.className ? "" : "  OF TWO CLASSES"
        return `${correlation.toFixed(2)}  ${a.key}  ${b.key}${note}`
      })
    ),
    ...section(
      "Silence",
      silent.map(({ key, peak }) => `${peak === 0 ? "digital" : `peak ${peak.toExponential(1)}`}  ${key}`)
    ),
    ...section(
      "Worth labelling, in unlabelled_audio",
      unlabelled.map(({ key, suggested, share }) => `${key}  perhaps ${suggested} (${Math.round(100 * share)} %)`)
    ),
    "",
    "Decide with: bun run review keep KEY | relabel KEY CLASS | set-aside KEY"
  ].join("\n")
}

const keys = Argument.String("key").pipe(
  Argument.withDescription("A recording's key: extracted_audio/<class>/<name>"),
  Argument.atLeast(1)
)

const described = (moves: ReadonlyArray<Move>) => moves.map(({ from, to }) => printable(`${from} -> ${to}`)).join("\n")

const keepCommand = Command.make("keep", { keys }, ({ keys }) =>
  onStore(onAll("keep", keys, keep), (kept) => kept.map(({ key }) => printable(`${key} is kept as it is.`)).join("\n"))
).pipe(Command.withDescription("Recordings are right as they are: they do not come up again unless they change"))

const relabelCommand = Command.make(
  "relabel",
  {
    key: Argument.String("key").pipe(
      Argument.withDescription("A recording's key; one in unlabelled_audio/ gets its first class")
    ),
    className: Argument.String("class").pipe(Argument.withDescription("The class that it is of")),
    newClass: Flag.Boolean("new-class").pipe(
      Flag.withDescription("The class may be one that has no recording yet"),
      Flag.withDefault(false)
    )
  },
  ({ key, className, newClass }) =>
    onStore(
      Effect.map(relabel(key, className, { allowNew: newClass }), (moved) => [moved]),
      described
    )
).pipe(Command.withDescription("Moves a recording to another class; the move is recorded under review/moves"))

const setAsideCommand = Command.make("set-aside", { keys }, ({ keys }) =>
  onStore(onAll("set aside", keys, setAside), described)
).pipe(Command.withDescription("Takes recordings out of the training set, to set_aside/; restore brings them back"))

const restoreCommand = Command.make("restore", { keys }, ({ keys }) =>
  onStore(onAll("restore", keys, restore), described)
).pipe(Command.withDescription("Brings back recordings that were set aside"))

const aside = Command.make("aside", {}, () =>
  onStore(
    Effect.gen(function* () {
      return yield* (yield* Store).list(SET_ASIDE_PREFIX).pipe(
        Stream.map(({ key }) => key),
        Stream.runCollect
      )
    }),
    (found) => (found.length === 0 ? "Nothing is set aside." : found.map(printable).join("\n"))
  )
).pipe(Command.withDescription("What is set aside"))

/** This command, as a program. */
export const main = () =>
  review.pipe(
    // The command itself is not among its own shared flags' contexts.
    Command.withHandler((given: Flags) => runOn(given, findOpen, (found) => describeReview(found, LIMIT))),
    Command.withSubcommands([list, keepCommand, relabelCommand, setAsideCommand, restoreCommand, aside]),
    Command.run({ version: packageJson.version }),
    runMain
  )

if (import.meta.main) main()
