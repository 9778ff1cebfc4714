import { availableParallelism } from "node:os"
import { Clock, Effect, Option } from "effect"
import type { Dataset } from "../dataset.ts"
import type { Head } from "../heads/head.ts"
import type { Backend } from "../train/backend.ts"
import { type TrainingSettings, train } from "../train/train.ts"
import type { HeadSearch, Trial } from "../trials.ts"
import { meanMacroF1, outcomesOf } from "./outcomes.ts"
import { type Cut, collect, cutsOf, testCut } from "./outOfFold.ts"
import { candidates, type HeadCandidate } from "./space.ts"
import { isWorse, type Standing, SURE, shareBetter, standingOf } from "./standing.ts"

/** How long a search goes on. */
export interface SearchLimits {
  /** Seconds after which no more heads are tried; the one under way is then given up, and counts for nothing. */
  readonly seconds: number
  /** Heads to try at most: the number that an earlier search tried repeats it, whatever the machine does meanwhile. */
  readonly most: number | undefined
}

/** What a search takes unless told otherwise. */
export const SEARCH: SearchLimits = { seconds: 60, most: undefined }

/** The head that a search found, and how. */
export interface SearchResult {
  readonly head: Pick<Head, "description" | "mixedWith">
  readonly search: HeadSearch
}

/** Repeats of five folds: two folds first, then the other three, then all of a second and third dealing. */
const FOLDS = 5
const REPEATS = 3
const RUNGS = [2, 5, 10, 15]

/** A head and how it stands after each rung. */
interface Contender {
  readonly candidate: HeadCandidate
  readonly standings: ReadonlyArray<Standing>
}

/**
 * Looks for the head that does best out of fold on these recordings, none of which may be of the holdout.
 *
 * Heads are tried one after another (`candidates`), fold after fold; one whose loss is clearly higher than the best
 * one's on the same folds is given up early. A later head is taken instead of the first only if it is better for nine in
 * ten resamples of the sources: of many tries, some do well by luck.
 *
 * What is tried depends on the seed and on nothing else, and what comes out on how many heads were tried, which time
 * decides: `most` set to the number of trials gives the same head to the bit.
 */
export const searchHead = Effect.fn("searchHead")(function* (
  dataset: Dataset,
  settings: TrainingSettings,
  { seconds, most }: SearchLimits,
  backend: Backend,
  onTrial: (trial: Trial, spent: number) => Effect.Effect<void> = () => Effect.void
) {
  const began = yield* Clock.currentTimeMillis
  const cuts = cutsOf(dataset, { folds: FOLDS, repeats: REPEATS, seed: settings.seed })
  const spent = Effect.map(Clock.currentTimeMillis, (now) => (now - began) / 1000)
  const trials: Array<Trial> = []
  let first: Contender | undefined
  let best: Contender | undefined

  for (const candidate of candidates(settings.seed, { scores: settings.scores, vectors: dataset.vectors })) {
    const left = seconds - (yield* spent)
    const attempt = tryHead(dataset, cuts, settings, backend, candidate, best)
    if (trials.length >= (most ?? Number.POSITIVE_INFINITY)) break
    if (first === undefined) {
      // There has to be one, however long it takes.
      const { trial, standings } = yield* attempt
      first = { candidate, standings }
      best = first
      trials.push(trial)
      yield* onTrial(trial, yield* spent)
      if (trial.loss === null) break
      continue
    }
    if (most === undefined && left <= 0) break
    const outcome = yield* attempt.pipe(
      Effect.catchTag("TrainingError", () =>
        Effect.succeed({ trial: { ...candidate, folds: 0, loss: null, macroF1: null }, standings: [], isWhole: false })
      ),
      most === undefined ? Effect.timeoutOption(`${Math.ceil(left * 1000)} millis`) : Effect.asSome
    )
    if (Option.isNone(outcome)) break
    const { trial, standings, isWhole } = outcome.value
    trials.push(trial)
    yield* onTrial(trial, yield* spent)
    if (isWhole && standings.at(-1)!.loss < best!.standings.at(-1)!.loss) best = { candidate, standings }
  }
  const { chosen, why } = choose(dataset, first!, best!)
  const search: HeadSearch = { winner: chosen.candidate.name, why, trials, seconds: yield* spent }
  return { head: headOf(chosen.candidate), search } satisfies SearchResult
})

const headOf = ({ description, mixedWith }: HeadCandidate): Pick<Head, "description" | "mixedWith"> => ({
  description,
  ...(mixedWith && { mixedWith })
})

/** Tests a head fold after fold, until it is clearly worse than the best one so far was on the same folds. */
const tryHead = Effect.fnUntraced(function* (
  dataset: Dataset,
  cuts: ReadonlyArray<Cut>,
  settings: TrainingSettings,
  backend: Backend,
  candidate: HeadCandidate,
  best: Contender | undefined
) {
  const given: Array<Float32Array> = []
  const standings: Array<Standing> = []
  for (const [rung, until] of RUNGS.entries()) {
    const own = cuts.slice(given.length, until)
    const results = yield* Effect.forEach(
      own,
      (cut) =>
        testCut(dataset, cut, settings.seed, (split, seed) =>
          train(dataset, split, { ...settings, ...headOf(candidate), seed }, backend)
        ),
      { concurrency: availableParallelism() }
    )
    given.push(...results)
    standings.push(standingOf(dataset, cuts.slice(0, given.length), given))
    const rival = best?.standings[rung]
    if (rival !== undefined && isWorse(dataset, standings[rung]!, rival)) break
  }
  const isWhole = given.length === cuts.length
  const { loss } = standings.at(-1)!
  const trial: Trial = {
    ...candidate,
    folds: given.length,
    loss: Number.isNaN(loss) ? null : loss,
    macroF1: isWhole ? scoreOf(dataset, cuts, given) : null
  }
  return { trial, standings, isWhole }
})

const choose = (dataset: Dataset, first: Contender, best: Contender): { chosen: Contender; why: string } => {
  const [one, other] = [best.candidate.name, first.candidate.name]
  if (Number.isNaN(first.standings.at(-1)!.loss)) {
    return { chosen: first, why: `Nothing can be tested on sources that were not trained on, so ${other} stays.` }
  }
  if (best === first) return { chosen: first, why: `No head did better than ${other} out of fold.` }
  const [own, standing] = [best.standings.at(-1)!, first.standings.at(-1)!]
  const share = shareBetter(dataset, own, standing)
  const better =
    `${one} is better than ${other} in ${Math.round(100 * share)} % of resamples of the sources ` +
    `(log loss ${own.loss.toFixed(3)} against ${standing.loss.toFixed(3)})`
  return share >= SURE
    ? { chosen: best, why: `${better}.` }
    : { chosen: first, why: `${better}: too few to be sure, so ${other} stays.` }
}

const scoreOf = (dataset: Dataset, cuts: ReadonlyArray<Cut>, given: ReadonlyArray<Float32Array>): number => {
  const outcomes = outcomesOf(dataset.classes, dataset.labels, collect(dataset, REPEATS, cuts, given))
  return meanMacroF1(
    outcomes,
    outcomes.labels.map(() => 1)
  )
}
