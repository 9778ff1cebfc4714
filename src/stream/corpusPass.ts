import { Effect, Schema, type Stream } from "effect"
import { counted } from "../config/inWords.ts"
import type { Recipe } from "../embeddings/recipe.ts"
import type { KnownRecordings } from "../embeddings/sighting.ts"
import { type ObjectInfo, Store, StoreError } from "../store/store.ts"
import type { PrepareSettings } from "./prepare.ts"
import type { CorpusCount } from "./recordings.ts"

/** What holds when a run ends because of the store. */
export const KEPT = "What was embedded is kept; start again once it can be read."

/** What a pass over the corpus is given. */
export interface StreamSettings extends PrepareSettings {
  readonly recipe: Recipe
  /** What to embed, as far as it is not stored yet; the whole corpus unless given. */
  readonly objects?: Stream.Stream<ObjectInfo, StoreError>
  /** What is stored already; the stream adds what it stores and finds. */
  readonly known: KnownRecordings
  readonly count: CorpusCount
  /** The share of the corpus, 0 to 1, that may be unusable. */
  readonly maxSkipped: number
  readonly fetchConcurrency: number
  /** Larger recordings are skipped, and no more than this is in memory between fetching and decoding. */
  readonly maxRecordingMegabytes: number
  /** Whether parts are cut by count alone, so that doing the same again writes the same parts; else also every 30 s. */
  readonly repeatable?: boolean
}

/** A recording that was left out, and why. */
export interface Skipped {
  readonly key: string
  readonly reason: string
}

/** A recording that was not read as usual, and how. */
export interface Noted {
  readonly key: string
  readonly note: string
}

/** What a pass over the corpus came to. */
export interface StreamResult {
  /** The content of every usable recording: key to hex SHA-256. */
  readonly live: ReadonlyMap<string, string>
  /** Those of them that were read in another version than listed, or whose version the store does not tell. */
  readonly moved: ReadonlyMap<string, string>
  /** Contents embedded in this pass. */
  readonly embedded: number
  /** Patches embedded in this pass. */
  readonly patches: number
  readonly skipped: ReadonlyArray<Skipped>
  readonly noted: ReadonlyArray<Noted>
  /**
   * The keys of those that the store did not give: they may be fine. Of these, it refused those that are skipped, too; the
   * others it could not give, even when it was asked again at the end.
   */
  readonly unread: ReadonlyArray<string>
}

/** So many recordings are unusable that something is wrong with the corpus, not with the recordings. */
export class TooManySkipped extends Schema.TaggedError<TooManySkipped>()("TooManySkipped", {
  skipped: Schema.Array(Schema.Struct({ key: Schema.String, reason: Schema.String })),
  message: Schema.String
}) {
  static readonly of = (skipped: ReadonlyArray<Skipped>, { maxSkipped, count }: StreamSettings) => {
    const { key, reason } = skipped.at(-1)!
    const share = `${skipped.length} of ${counted(count.recordings, "recording")} cannot be used`
    return new TooManySkipped({
      skipped,
      message: `${share}, more than MAX_SKIPPED (${maxSkipped * 100} %) allows; the last was ${key}. ${reason}`
    })
  }
}

/** Fails where the store could not give recordings that it has: what is made without them would leave them out for good. */
export const requireAllRead = Effect.fnUntraced(function* ({
  skipped,
  unread
}: Pick<StreamResult, "skipped" | "unread">) {
  const refused = new Set(skipped.map(({ key }) => key))
  const missing = unread.filter((key) => !refused.has(key))
  const [key] = missing
  if (key === undefined) return
  const { location } = yield* Store
  const what = missing.length === 1 ? `${key}` : `${missing.length} recordings, such as ${key}`
  return yield* new StoreError({
    reason: "unreachable",
    key,
    message: `${location} has not given ${what}, not even when it was asked again at the end. ${KEPT}`
  })
})
