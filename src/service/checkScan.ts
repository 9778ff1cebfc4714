import { Effect, Option } from "effect"
import { wholeVersions } from "../registry/trainingSet.ts"
import { isFieldRecording } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { Field } from "./field.ts"
import type { ScanTask } from "./protocols.ts"
import { refuse } from "./refusal.ts"

/** Names in one sentence at most; the routes that list them have all. */
const MOST_NAMES = 5

/** Refuses a scan of what there is not, and one by two rules at once, before anything is stored or begun. */
export const checkScan = Effect.fn("checkScan")(function* ({ recording, site, model, threshold, alarms }: ScanTask) {
  if (threshold !== undefined && alarms !== undefined) {
    return yield* refuse(422, "A threshold says what is told, and alarms have one chosen: send one of them.")
  }
  if (recording !== undefined && site !== undefined) {
    return yield* refuse(422, "A recording is heard by its key, and a site's are all of it: send recording or site.")
  }
  if (recording !== undefined) {
    const store = yield* Store
    if (!isFieldRecording({ key: recording })) {
      return yield* refuse(404, `"${recording}" is no field recording: the key of one begins with field_audio/.`)
    }
    if (Option.isNone(yield* store.find(recording))) {
      return yield* refuse(404, `There is no field recording "${recording}".`)
    }
  }
  if (site !== undefined && !(yield* sitesNow(site)).includes(site)) {
    return yield* refuse(404, `There is no site "${site}": ${named(yield* Field.use(({ sites }) => sites))}.`)
  }
  if (model !== undefined) {
    const versions = (yield* wholeVersions).toReversed()
    if (!versions.includes(model)) {
      return yield* refuse(404, `There is no version "${model}" of the model: ${named(versions)}.`)
    }
  }
})

/** The sites there are; what has landed since the last look at the store is looked for, too. */
const sitesNow = Effect.fnUntraced(function* (asked: string) {
  const field = yield* Field
  const known = yield* field.sites
  if (known.includes(asked)) return known
  yield* field.forget
  return yield* field.sites
})

/** "there are a, b", the first of them where they are many. */
const named = (names: ReadonlyArray<string>): string => {
  if (names.length === 0) return "there is none yet"
  const more = names.length - MOST_NAMES
  const shown = names.slice(0, MOST_NAMES).join(", ")
  return `${names.length === 1 ? "there is" : "there are"} ${shown}${more > 0 ? ` and ${more} more` : ""}`
}
