import type { HeadDescription } from "./heads/head.ts"

/** A head that a search tried. */
export interface Trial {
  /** Its place among all that a search can try. */
  readonly number: number
  readonly name: string
  readonly description: HeadDescription
  /** What else it is a mixture of, where it is one. */
  readonly mixedWith?: ReadonlyArray<HeadDescription>
  /** Folds that it was tested in; fewer than the others where it was given up early, 0 where it could not be trained. */
  readonly folds: number
  /** Mean cross-entropy out of fold, at the best temperature: what heads are chosen by. */
  readonly loss: number | null
  /** Out of fold as well; only of heads that were tested in all folds. */
  readonly macroF1: number | null
}

/** What a search for a head came to. */
export interface HeadSearch {
  /** Which trial won. */
  readonly winner: string
  /** Why it and not another, in a sentence. */
  readonly why: string
  /** Every head tried, in order; as many again give the same head. */
  readonly trials: ReadonlyArray<Trial>
  readonly seconds: number
}
