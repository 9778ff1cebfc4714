import { Duration, Effect, Schema } from "effect"
import { Settings } from "../config/settings.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { makeRecipe, type Recipe } from "../embeddings/recipe.ts"
import type { KnownRecordings } from "../embeddings/sighting.ts"
import type { Promotion } from "../registry/gate.ts"
import { lastTrainingSet, newSince } from "../registry/trainingSet.ts"
import { Store } from "../store/store.ts"
import { type CorpusCount, countCorpus } from "../stream/recordings.ts"
import type { CandidateOptions } from "./candidate.ts"
import { embeddedAgain } from "./embeddedAgain.ts"

/** How a run is to be done. */
export interface RetrainOptions extends CandidateOptions {
  readonly augmentations: number
  /** Train only if at least so many recordings are new since the last training. */
  readonly minNewSamples: number
  readonly promotion: Promotion
  readonly audit: boolean
  /** Whether the promoted model hears by another embedder, from which this run leads away: see `migrate`. */
  readonly migrates?: boolean
}

/** The corpus does not allow a training. */
export class CorpusError extends Schema.TaggedError<CorpusError>()("CorpusError", { message: Schema.String }) {}

/** What a run has to do, known before anything is fetched. */
export interface Plan {
  readonly recipe: Recipe
  readonly known: KnownRecordings
  readonly count: CorpusCount
  readonly seconds: number
}

/** Why no model can be trained of recordings of these classes alone, and what to do. */
export const tooFewClasses = (location: string, classes: ReadonlyArray<string>): string | undefined => {
  if (classes.length >= 2) return undefined
  const found = classes.length === 0 ? "holds no recordings" : `holds recordings of one class only, ${classes[0]}`
  return `${location} ${found}: put those of at least two classes into extracted_audio/<class>/, or annotate field recordings.`
}

/** Lists the corpus and compares it with what is stored; fails where it can hold no training. */
export const planRun = Effect.fn("planRun")(function* (
  embedder: Pick<Embedder, "frontEnd" | "hash">,
  augmentations: number
) {
  const { location } = yield* Store
  const settings = yield* Settings
  const { clipMaxSeconds, variants, precision } = settings
  const embeddings = yield* Embeddings
  const recipe = makeRecipe(embedder, { clipMaxSeconds, augmentations, variants, precision })
  const [elapsed, { known, count }] = yield* Effect.gen(function* () {
    const known = yield* embeddings.index(recipe)
    return { known, count: yield* countCorpus(known, newSince(yield* lastTrainingSet), settings) }
  }).pipe(Effect.timed)
  const tooFew = tooFewClasses(location, count.classes)
  if (tooFew !== undefined) return yield* new CorpusError({ message: tooFew })
  const again = known.isEmpty ? yield* embeddedAgain(recipe) : undefined
  if (again !== undefined) yield* Effect.logWarning(again)
  return { recipe, known, count, seconds: Duration.toSeconds(elapsed) } satisfies Plan
})
