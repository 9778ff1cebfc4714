import { Effect, Option } from "effect"
import { type CrossValidation, type Cut, cutsOf } from "../../classifier/evaluation/outOfFold.ts"
import { cutsByPart, notesOnParts, type PartOf, partsBy } from "../../classifier/evaluation/parts.ts"
import { compile } from "../../config/forms.ts"
import type { JointCorpus } from "../jointCorpus.ts"
import { type EvaluateOptions, refuse } from "./options.ts"

/** What is left out in turn, and what that leaves untested. */
export interface EvaluationPlan extends CrossValidation {
  readonly cuts: ReadonlyArray<Cut>
  readonly isByPart: boolean
  readonly untested: ReadonlyArray<string>
}

/** Leaves out the store to test on, parts by a pattern, or folds; refuses a pattern that finds fewer than two. */
export const planCuts = Effect.fn("planCuts")(function* (corpus: JointCorpus, options: EvaluateOptions) {
  const { dataset } = corpus
  const { folds, seed } = options
  const partOf = partOfEach(corpus, options)
  const repeats = options.repeats ?? (partOf === undefined ? 3 : 1)
  if (partOf === undefined) {
    const cuts = cutsOf(dataset, { folds, repeats, seed })
    return { folds, repeats, seed, cuts, isByPart: false, untested: [] } satisfies EvaluationPlan
  }
  const cuts = cutsByPart(dataset, partOf, { repeats, seed })
  const parts = cuts.length / repeats
  if (options.test === undefined && parts < 2) {
    const found = parts === 0 ? "matches no recording's key" : `finds one part only, ${cuts[0]!.part}`
    return yield* refuse(`--by ${options.by} ${found}: keys look like ${dataset.samples[0]!.key}.`)
  }
  const untested = notesOnParts(dataset, partOf, cuts)
  return { folds: parts, repeats, seed, cuts, isByPart: parts > 0, untested } satisfies EvaluationPlan
})

/** The part of each recording; undefined where folds are left out. */
const partOfEach = ({ isOfTest }: JointCorpus, { by, test }: EvaluateOptions): PartOf | undefined => {
  if (test !== undefined) return (key) => (isOfTest(key) ? test.name : undefined)
  return by === undefined ? undefined : partsBy(Option.getOrThrow(compile(by)))
}
