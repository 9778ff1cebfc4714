import { Effect, Option } from "effect"
import { isFieldRecording } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { refuse } from "./refusal.ts"

/** The field recording that is meant; of nothing else can be said what is heard in it. */
export const fieldRecordingAt = Effect.fn("fieldRecordingAt")(function* (key: string) {
  const store = yield* Store
  const found = isFieldRecording({ key }) ? yield* store.find(key) : Option.none()
  if (Option.isNone(found)) return yield* refuse(404, "There is no such field recording.")
  return found.value
})
