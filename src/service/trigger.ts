import { Effect } from "effect"
import { counted } from "../config/inWords.ts"
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
  const runs = yield* Runs
  if (runs.running() !== undefined) return
  const news = yield* (yield* Corpus).news(minNewSamples)
  if (!isDue(news, minNewSamples, runs.freshAtFailure())) return
  yield* runs.start(counted(news.fresh, "new recording"), minNewSamples, { isAutomatic: true })
}).pipe(Effect.ignore({ log: "Warn" }))
