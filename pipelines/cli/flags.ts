import { Effect, Option, Schema } from "effect"
import { CliError, Flag } from "effect/cli"
import { MAX_AUGMENTATIONS } from "../../src/augment/variants.ts"
import { SEARCH, type SearchLimits } from "../../src/classifier/evaluation/search.ts"
import { describeHeads, HEAD_NAMES } from "../../src/classifier/heads/heads.ts"
import { Settings } from "../../src/config/settings.ts"
import { PROMOTIONS } from "../../src/registry/gate.ts"
import { TRAINING_DEFAULTS } from "../../src/runs/trainingDefaults.ts"
import { STORE_SCHEMES } from "../../src/store/openStore.ts"

// Flags that more than one command takes.

export const wholeNumber = (minimum: number, maximum: number) =>
  Schema.Int.check(
    Schema.isBetween(
      { minimum, maximum },
      { message: `a whole number from ${minimum} to ${maximum.toLocaleString("en")}` }
    )
  )

const addresses = STORE_SCHEMES.map((scheme) => `${scheme}...`).join(", ")

/** `--store`; `fallback` says what is used without one. */
export const storeFlag = (fallback = "the current folder") =>
  Flag.String("store").pipe(
    Flag.withDescription(`${addresses} or a folder (default: STORE or S3_BUCKET if set, else ${fallback})`),
    Flag.optional
  )

/** `--json`; `what` is printed. */
export const jsonFlag = (what = "Print the result as JSON, on the last line of standard output") =>
  Flag.Boolean("json").pipe(Flag.withDescription(what), Flag.withDefault(false))

/** `--cluster` and `--no-cluster`. */
export const clusterFlag = Flag.Boolean("cluster").pipe(
  Flag.withDescription(
    "Have the workers of DATABASE_URL do it (default: where that is set); --no-cluster does it here"
  ),
  Flag.optional
)

/** Where the workers meet that `--cluster` or DATABASE_URL gives the work to; none where it is done here. */
export const askedCluster = Effect.fnUntraced(function* (cluster: Option.Option<boolean>) {
  const { databaseUrl } = yield* Settings
  if (!Option.getOrElse(cluster, () => Option.isSome(databaseUrl))) return Option.none()
  if (Option.isSome(databaseUrl)) return databaseUrl
  const cause = "--cluster needs DATABASE_URL, the PostgreSQL database in which the workers meet."
  return yield* new CliError.UserError({ cause })
})

/** How to train: the options of a run, but for when. */
export const trainingFlags = {
  augmentations: Flag.Int("augmentations").pipe(
    Flag.withSchema(wholeNumber(0, MAX_AUGMENTATIONS)),
    Flag.withDescription(
      `Augmented variants of each recording, beside the original: 0 to ${MAX_AUGMENTATIONS} (default: ${TRAINING_DEFAULTS.augmentations})`
    ),
    Flag.withDefault(TRAINING_DEFAULTS.augmentations)
  ),
  epochs: Flag.Int("epochs").pipe(
    Flag.withSchema(wholeNumber(1, 100_000)),
    Flag.withDescription("Epochs at most; training stops early (default: 100)"),
    Flag.withDefault(TRAINING_DEFAULTS.epochs)
  ),
  batchSize: Flag.Int("batch-size").pipe(
    Flag.withSchema(wholeNumber(2, 65_536)),
    Flag.withDescription("Samples in a mini-batch of training (default: 64)"),
    Flag.withDefault(TRAINING_DEFAULTS.batchSize)
  ),
  head: Flag.Literals("head", ["default", ...HEAD_NAMES, "auto"]).pipe(
    Flag.withDescription(describeHeads()),
    Flag.withDefault(TRAINING_DEFAULTS.head)
  ),
  searchSeconds: Flag.Int("search-seconds").pipe(
    Flag.withSchema(wholeNumber(1, 86_400)),
    Flag.withDescription(`How long --head auto looks for a better head (default: ${SEARCH.seconds})`),
    Flag.withDefault(SEARCH.seconds)
  ),
  searchHeads: Flag.Int("search-heads").pipe(
    Flag.withSchema(wholeNumber(1, 10_000)),
    Flag.withDescription("Try exactly so many heads, however long it takes: repeats an earlier search to the bit"),
    Flag.optional
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withSchema(wholeNumber(0, 2 ** 32 - 1)),
    Flag.withDescription("Seeds the training; the split and the augmentations do not depend on it (default: 0)"),
    Flag.withDefault(TRAINING_DEFAULTS.seed)
  ),
  promotion: Flag.Literals("promote", PROMOTIONS).pipe(
    Flag.withDescription("auto publishes the new model if it is not worse than the published one (default: auto)"),
    Flag.withDefault(TRAINING_DEFAULTS.promotion)
  ),
  audit: Flag.Boolean("audit").pipe(
    Flag.withDescription("Write the augmented variants to augmented_audio; --no-audit leaves them out"),
    Flag.withDefault(TRAINING_DEFAULTS.audit)
  )
}

/** How long to look for a head, as the flags say. */
export const searchLimits = (flags: {
  readonly searchSeconds: number
  readonly searchHeads: Option.Option<number>
}): SearchLimits => ({ seconds: flags.searchSeconds, most: Option.getOrUndefined(flags.searchHeads) })
