import { Effect, Schema } from "effect"
import type { Way } from "../../classifier/evaluation/afar/ways.ts"
import type { SearchLimits } from "../../classifier/evaluation/search.ts"
import type { HeadName } from "../../classifier/heads/heads.ts"
import type { Store } from "../../store/store.ts"
import type { FieldSettings } from "../field/evaluateField.ts"

/** What is compared: heads, and what a search for one finds. */
export type ComparedHead = HeadName | "auto"

/** What to evaluate, and how. */
export interface EvaluateOptions {
  /** Compared with the first of them. */
  readonly heads: ReadonlyArray<ComparedHead>
  readonly augmentations: number
  readonly epochs: number
  readonly batchSize: number
  /** How long `auto` looks, each time. */
  readonly search: SearchLimits
  /** Deals the sources into folds and seeds the trainings. */
  readonly seed: number
  readonly folds: number
  /** How often the sources are dealt anew; 3 unless given, and once for parts, which are dealt by nobody's seed. */
  readonly repeats: number | undefined
  /** A pattern that finds in keys what is left out, part by part, instead of folds. */
  readonly by: string | undefined
  /** A second store to test on, as people call it. */
  readonly test: { readonly name: string; readonly store: Store["Service"] } | undefined
  /** The class that false alarms are counted in; found by its name unless given. */
  readonly background: string | undefined
  /** How to hear the field, the classes named in it, and the folder that soundscapes are kept in, if any. */
  readonly field:
    | (FieldSettings & { readonly named: ReadonlyArray<string>; readonly keep: string | undefined })
    | undefined
  /** Ways to hear from afar. */
  readonly afar: ReadonlyArray<Way> | undefined
  /** Whether to tell what is made of background that was left out. */
  readonly unknown: boolean
  /** A pattern that finds kinds of background, of each of which to tell what is made where none was heard. */
  readonly kinds: string | undefined
}

/** What is asked for cannot be had of these recordings; `message` is one sentence. */
export class EvaluationError extends Schema.TaggedError<EvaluationError>()("EvaluationError", {
  message: Schema.String
}) {}

/** Refuses in a sentence. */
export const refuse = (message: string) => Effect.fail(new EvaluationError({ message }))
