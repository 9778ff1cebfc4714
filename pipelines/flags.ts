import { Schema } from "effect"
import { Flag } from "effect/cli"
import { MAX_AUGMENTATIONS } from "../src/augment/plan.ts"
import { HEAD_NAMES } from "../src/classifier/network.ts"
import { PROMOTIONS } from "../src/registry/gate.ts"

// Flags that more than one command takes.

export const wholeNumber = (minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** `--store`; `fallback` says what is used without one. */
export const storeFlag = (fallback = "the current folder") =>
  Flag.String("store").pipe(
    Flag.withDescription(`s3://bucket or a folder (default: S3_BUCKET if set, else ${fallback})`),
    Flag.optional
  )

/** `--json`; `what` is printed. */
export const jsonFlag = (what = "Print the result as JSON, on the last line of standard output") =>
  Flag.Boolean("json").pipe(Flag.withDescription(what), Flag.withDefault(false))

/** How a run trains unless it is told otherwise. */
export const TRAINING_DEFAULTS = {
  augmentations: 5,
  epochs: 100,
  batchSize: 64,
  head: "mlp",
  seed: 0,
  promotion: "auto",
  audit: true
} as const

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
  head: Flag.Literals("head", HEAD_NAMES).pipe(
    Flag.withDescription("mlp is EcoSight's network; linear is one regularised layer, for little data (default: mlp)"),
    Flag.withDefault(TRAINING_DEFAULTS.head)
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
