import { Effect, Option } from "effect"
import { FIELD_PREFIX, isFieldRecording } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { holds } from "../store/uploadFolder.ts"
import { safeName } from "./acceptUpload.ts"
import { Predictor } from "./predictor.ts"
import { refuse } from "./refusal.ts"
import { mapSpooled, type Spooled } from "./spool.ts"

/** Where a field recording lies, and whether it lay there before. */
export interface StoredField {
  readonly key: string
  readonly isNew: boolean
  /** What is wrong with a recording that is heard all the same. */
  readonly note?: string
}

/**
 * Stores a recording under `field_audio/<site>/<safe name>` once its beginning decodes, as far as a scan hears it: recorders
 * whose battery dies leave files that are cut short. It keeps its name, for recorders
 * write the time and their own id into it; another recording of that name stays as it is, and this one is refused.
 */
export const acceptField = Effect.fn("acceptField")(function* (name: string, site: string, recording: Spooled) {
  const store = yield* Store
  if (!SITE.test(site)) return yield* refuse(400, SITE_RULE)
  const key = `${FIELD_PREFIX}${site}/${safeName(name)}`
  if (!isFieldRecording({ key })) {
    return yield* refuse(
      400,
      `${name} is named as notes or a table are: a recording's name ends in .wav, .flac or the like.`
    )
  }
  const said = yield* noteOn(recording)
  const bytes = yield* mapSpooled(recording)
  const there = yield* store.find(key)
  if (Option.isSome(there)) {
    if (yield* holds(store, there.value, bytes)) return { key, isNew: false, ...said } satisfies StoredField
    return yield* refuse(409, taken(key))
  }
  yield* store.put(key, bytes, { ifNoneMatch: "*" }).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "conflict",
      () => Effect.fail(refuse(409, taken(key)))
    )
  )
  return { key, isNew: true, ...said } satisfies StoredField
})

/** What is wrong with a recording that a scan hears all the same; refuses what it cannot hear. */
const noteOn = Effect.fnUntraced(function* (recording: Spooled) {
  const { inspect, inspectField } = yield* Predictor
  return yield* inspect(recording).pipe(
    Effect.as({}),
    Effect.catchIf(
      ({ status }) => status === 400,
      ({ detail }) => Effect.as(inspectField(recording), { note: detail })
    )
  )
})

const taken = (key: string): string => `Another recording lies at ${key}: give this one another name, or another site.`

const SITE = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} ._-]{0,62}[\p{L}\p{M}\p{N}._-])?$/u
const SITE_RULE =
  "A site's name is 1 to 64 letters, digits, spaces, _, - and dots, and begins with a letter or digit and ends with no space."
