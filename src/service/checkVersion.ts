import { Effect } from "effect"
import { whatThereIs } from "../config/inWords.ts"
import { wholeVersions } from "../registry/trainingSet.ts"
import { refuse } from "./refusal.ts"

/** Refuses a version of the model that there is not, and says which there are. */
export const checkVersion = Effect.fn("checkVersion")(function* (runId: string) {
  const versions = (yield* wholeVersions).toReversed()
  if (versions.includes(runId)) return
  const there = `${whatThereIs(versions)}; GET /models lists them`
  return yield* refuse(404, `There is no version "${runId}" of the model: ${there}.`)
})
