import { Console, Effect, type FileSystem, Option, type Schema } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import type { Certificate } from "../src/classifier/export/certificate.ts"
import { recordingsInWords } from "../src/config/inWords.ts"
import { Settings } from "../src/config/settings.ts"
import { Embeddings } from "../src/embeddings/embeddings.ts"
import { withLease } from "../src/registry/lease.ts"
import { readPointer } from "../src/registry/pointer.ts"
import { pruneVersions } from "../src/registry/prune.ts"
import { promoteVersion, rollback } from "../src/registry/publish.ts"
import { newRunId, RunName } from "../src/registry/runRecord.ts"
import {
  type Difference,
  describeClass,
  diffVersions,
  leavesOf,
  listVersions,
  showVersion,
  type Version
} from "../src/registry/versions.ts"
import { certify } from "../src/runs/certify/certify.ts"
import { openStore } from "../src/store/openStore.ts"
import { Store } from "../src/store/store.ts"
import { jsonFlag, storeFlag, wholeNumber } from "./cli/flags.ts"
import { onTerminal } from "./cli/onTerminal.ts"
import { runMain } from "./cli/runMain.ts"
import { share, table } from "./cli/summaryText.ts"

const models = Command.make("models").pipe(
  Command.withSharedFlags({
    store: storeFlag(),
    json: jsonFlag()
  }),
  Command.withDescription("Looks at trained models, and says which one is in use"),
  Command.withExamples([
    { command: "bun run models list --store s3://my-bucket", description: "See every version and which is promoted" },
    { command: "bun run models rollback", description: "Go back to the model before" }
  ])
)

/** Runs a subcommand on the store that the flags name, and prints what it returns. */
const onStore = Effect.fnUntraced(function* <A, E>(
  work: Effect.Effect<A, E, Store | Settings | FileSystem.FileSystem>,
  describe: (result: A, location: string) => string
) {
  const { store, json } = yield* models
  yield* Effect.gen(function* () {
    const opened = yield* openStore(store, { create: true })
    if (Option.isNone(opened)) return yield* new CliError.UserError({ cause: "No store is given: add --store." })
    const result = yield* Effect.provideService(work, Store, opened.value)
    yield* Console.log(describe(result, opened.value.location))
    if (json) yield* Console.log(JSON.stringify(result))
  }).pipe(onTerminal(json))
})

const id = (name: string) =>
  Argument.String(name).pipe(
    Argument.withSchema(RunName.annotate({ message: "a version's run id, as bun run models list shows it" })),
    Argument.withDescription("A version's run id, as list shows it")
  )

const list = Command.make("list", {}, () =>
  onStore(listVersions, (versions, location) =>
    versions.length === 0 ? `${location} holds no versions: train one with bun run retrain.` : describeList(versions)
  )
).pipe(Command.withDescription("Every version, the oldest first"))

const describeList = (versions: ReadonlyArray<Version>): string =>
  table([
    ["version", "trained", "recordings", "classes", "accuracy", "macro-F1", "state"],
    ...versions.map(({ runId, trained, recordings, classes, accuracy, macroF1, state }) => [
      runId,
      trained,
      String(recordings),
      String(classes.length),
      share(accuracy),
      share(macroF1),
      state
    ])
  ])

const show = Command.make("show", { id: id("id") }, ({ id }) =>
  onStore(showVersion(id), ({ metadata, perClass, ...version }) =>
    [
      describeList([version]),
      "",
      table([
        ["class", "recordings", "held out", "precision", "recall", "F1"],
        ...version.classes.map((name) => {
          const scores = perClass[name]
          const row = [name, String(metadata.recording_counts[name] ?? 0), String(scores?.support ?? 0)]
          const known = scores !== undefined && scores.support > 0
          return known
            ? [...row, share(scores.precision), share(scores.recall), share(scores.f1_score)]
            : [...row, "-", "-", "-"]
        })
      ]),
      "",
      ...metadata.notes,
      `Recipe ${metadata.recipe.id}: ${describeValues(metadata.recipe.parts)}.`,
      `Training: ${describeValues(metadata.training_config)}.`
    ].join("\n")
  )
).pipe(Command.withDescription("One version in detail: scores per class, recipe, settings"))

const describeValues = (values: Schema.JsonObject): string =>
  leavesOf(values)
    .map(([path, value]) => `${path} ${value}`)
    .join(", ")

const diff = Command.make("diff", { from: id("from"), to: id("to") }, ({ from, to }) =>
  onStore(diffVersions(from, to).pipe(Effect.provide(Embeddings.layer)), describeDifference)
).pipe(Command.withDescription("What changed from one version to another: data, settings, scores"))

const describeDifference = ({ versions: [one, other], classes, recordings, settings }: Difference): string => {
  const recallOf = ({ perClass }: typeof one, name: string | null) => {
    const scores = perClass[name ?? ""]
    return share(scores !== undefined && scores.support > 0 ? scores.recall : null)
  }
  const changes = Object.entries(settings).map(
    ([name, [was, is]]) => `${name}: ${JSON.stringify(was)} -> ${JSON.stringify(is)}`
  )
  return [
    table([
      ["", one.runId, other.runId],
      ["state", one.state, other.state],
      ["recordings", String(one.recordings), String(other.recordings)],
      ["accuracy", share(one.accuracy), share(other.accuracy)],
      ["macro-F1", share(one.macroF1), share(other.macroF1)],
      ...classes.map((own) => [
        `recall of ${describeClass(own)}`,
        recallOf(one, own.before),
        recallOf(other, own.after)
      ])
    ]),
    "Each is scored on its own holdout; a run compares on the same recordings, in model_metadata.json.",
    recordingsInWords(recordings),
    ...(changes.length > 0 ? changes : ["The settings are the same."])
  ].join("\n")
}

const promote = Command.make("promote", { id: id("id") }, ({ id }) =>
  onStore(
    Effect.gen(function* () {
      const from = yield* readPointer()
      const artifacts = yield* promoteVersion(id, from)
      return { runId: id, from: Option.getOrNull(Option.map(from, ({ runId }) => runId)), artifacts }
    }),
    ({ runId, from }, location) =>
      `${runId} is promoted in ${location}${from === null || from === runId ? "" : `, in place of ${from}`}.`
  )
).pipe(Command.withDescription("Put a version in use, whatever its scores; again, it makes good its copies in models/"))

const back = Command.make("rollback", {}, () =>
  onStore(rollback(), ({ runId, from }, location) => `${runId} is promoted in ${location} again, in place of ${from}.`)
).pipe(Command.withDescription("Go back to the version that was promoted before"))

const prune = Command.make(
  "prune",
  {
    keep: Flag.Int("keep").pipe(
      Flag.withSchema(wholeNumber(1, 100_000)),
      Flag.withDescription("How many of the newest stay (default: KEEP_VERSIONS)"),
      Flag.optional
    )
  },
  ({ keep }) =>
    onStore(
      Effect.gen(function* () {
        const { keepVersions } = yield* Settings
        const removed = yield* pruneVersions(Option.getOrElse(keep, () => keepVersions)).pipe(
          withLease(yield* newRunId)
        )
        return { removed }
      }),
      ({ removed }, location) =>
        removed.length === 0
          ? `Nothing is to be removed from ${location}.`
          : `Removed from ${location}: ${removed.join(", ")}.`
    )
).pipe(Command.withDescription("Remove old versions; what is promoted, and what a rollback may go back to, stay"))

const certifies = Command.make(
  "certify",
  {
    version: Argument.optional(id("version")),
    python: Flag.String("python").pipe(
      Flag.withDescription("The Python that runs .tflite files, which has ai-edge-litert (default: python3)"),
      Flag.withDefault("python3")
    )
  },
  ({ version, python }) =>
    onStore(
      Effect.gen(function* () {
        const promoted = yield* readPointer()
        const chosen = Option.orElse(version, () => Option.map(promoted, ({ runId }) => runId))
        if (Option.isNone(chosen)) return yield* new CliError.UserError({ cause: "No version is promoted: name one." })
        return yield* certify(chosen.value, python)
      }).pipe(Effect.provide(Embeddings.layer)),
      describeCertificate
    )
).pipe(Command.withDescription("Run a version's files on its held-out recordings, and say what each is worth"))

const describeCertificate = ({
  certificate,
  notes
}: {
  certificate: Certificate
  notes: ReadonlyArray<string>
}): string =>
  [
    table([
      ["file", "run by", "recordings", "agrees", "macro-F1", "served", ""],
      ...certificate.results.map((result) => [
        result.file,
        result.runtime,
        `${result.recordings}`,
        share(result.agreement),
        result.macro_f1.toFixed(3),
        result.served_macro_f1.toFixed(3),
        result.loses ? "loses" : ""
      ])
    ]),
    ...certificate.not_run.map((file) => `${file} has not been run.`),
    ...notes
  ].join("\n")

/** This command, as a program. */
export const main = () =>
  models.pipe(
    Command.withSubcommands([list, show, diff, promote, back, prune, certifies]),
    Command.run({ version: packageJson.version }),
    runMain
  )

if (import.meta.main) main()
