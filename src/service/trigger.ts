import { Effect } from "effect"
import { Settings } from "../config/settings.ts"
import { isDue } from "../runs/isDue.ts"
import { Corpus } from "./corpus.ts"
import { Runs } from "./runs.ts"

/**
 * Starts a run once MIN_NEW_SAMPLES recordings are new since the last training, however they came.
 *
 * After a run that failed or was cancelled it waits until more have come, rather than try the same again and again.
 */
export const checkTrigger = Effect.gen(function* () {
  const { minNewSamples } = yield* Settings
  const { fresh, classes } = yield* (yield* Corpus).snapshot
  const runs = yield* Runs
  const due = isDue({ fresh, classes: classes.size }, minNewSamples, runs.freshAtFailure())
  if (runs.running() !== undefined || !due) return
  yield* runs.start(`${fresh} new recordings`, minNewSamples)
}).pipe(Effect.ignore({ log: "Warn" }))
