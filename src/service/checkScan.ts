import { Effect, Option } from "effect"
import { whatThereIs } from "../config/inWords.ts"
import { FIELD_PREFIX, isFieldRecording } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { checkVersion } from "./checkVersion.ts"
import { Field } from "./field.ts"
import type { ScanTask } from "./protocols.ts"
import { refuse } from "./refusal.ts"

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
      return yield* refuse(404, `"${recording}" is no field recording: ${whyNone(recording)}.`)
    }
    if (Option.isNone(yield* store.find(recording))) {
      return yield* refuse(404, `There is no field recording "${recording}".`)
    }
  }
  if (site !== undefined && !(yield* sitesNow(site)).includes(site)) {
    return yield* refuse(404, `There is no site "${site}": ${whatThereIs(yield* Field.use(({ sites }) => sites))}.`)
  }
  if (model !== undefined) yield* checkVersion(model)
})

/** The sites there are; what has landed since the last look at the store is looked for, too. */
const sitesNow = Effect.fnUntraced(function* (asked: string) {
  const field = yield* Field
  const known = yield* field.sites
  if (known.includes(asked)) return known
  yield* field.forget
  return yield* field.sites
})

const whyNone = (key: string): string =>
  key.startsWith(FIELD_PREFIX)
    ? "it is named as notes, tables and pictures beside recordings are, or as what a system hides or leaves behind"
    : `the key of one begins with ${FIELD_PREFIX}`
