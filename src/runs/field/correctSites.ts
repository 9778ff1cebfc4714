import { Effect } from "effect"
import type { ScoredRecording } from "../../classifier/evaluation/field/sweep.ts"
import type { WindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import { drawEvenly } from "../../classifier/site/drawEvenly.ts"
import { columnsOf, type KeptWindows, vectorsOfSites } from "../../classifier/site/keptWindows.ts"
import { LEAST_WINDOWS, learnSite, MOST_WINDOWS } from "../../classifier/site/learnSite.ts"
import { corrected, type SiteWindows } from "../../classifier/site/siteCorrection.ts"
import { Settings } from "../../config/settings.ts"
import { Engine } from "../../embedder/engine.ts"
import type { FrontEnd, Vectors } from "../../embedder/frontEnd.ts"
import type { CodedVectors } from "../../embeddings/scans/coding.ts"
import { concatenate } from "../../sound/floats.ts"

/** A stretch of sound that classifiers heard, piece by piece. */
export interface HeardPiece {
  /** By each classifier. */
  readonly scored: ReadonlyArray<ScoredRecording>
  /** Where it was recorded: what has one name is learnt together. */
  readonly site: string
  /** Its windows, of the vectors that sites are learnt by. */
  readonly pieces: ReadonlyArray<CodedVectors>
}

/** Of coded rows what a site is learnt by. */
export const siteColumns = (windows: CodedVectors, { vectors }: FrontEnd): CodedVectors =>
  columnsOf(windows, vectors, vectorsOfSites(vectors))

/**
 * The same stretches, each as its classifiers hear it once they have learnt its site, as a scan has them do; those of sites
 * with too little sound stay as they are.
 */
export const correctSites = Effect.fn("correctSites")(function* (
  heard: ReadonlyArray<HeardPiece>,
  classifiers: ReadonlyArray<WindowClassifier>
) {
  const { learnSites } = yield* Settings
  const results = new Map(heard.map((one) => [one, [...one.scored]]))
  if (learnSites) {
    for (const own of Map.groupBy(heard, ({ site }) => site).values()) {
      for (const [which, { kept }] of classifiers.entries()) {
        if (kept === undefined) continue
        const learnt = yield* correctSite(kept, own, which)
        for (const [at, probabilities] of learnt.entries()) {
          const scored = results.get(own[at]!)!
          scored[which] = { ...scored[which]!, probabilities }
        }
      }
    }
  }
  return heard.map((one) => results.get(one)!)
})

/** The probabilities of a site's stretches, one after the other; none where there is too little of it. */
const correctSite = Effect.fnUntraced(function* (kept: KeptWindows, heard: ReadonlyArray<HeardPiece>, which: number) {
  const { frontEnd } = yield* Engine
  const vectors = vectorsOfSites(frontEnd.vectors)
  const stretches = heard.map((one) => windowsOf(one, vectors, which, kept))
  const pieces = stretches.flat()
  const total = pieces.reduce((sum, { windows }) => sum + windows.count, 0)
  if (total < LEAST_WINDOWS) return []
  const correction = yield* learnSite(kept, drawEvenly(pieces, total, MOST_WINDOWS))
  return stretches.map((own) => concatenate(own.map((piece) => corrected(correction, piece))))
})

/** What a classifier made of a stretch, whose pieces are of `vectors`; a version of before may learn sites by fewer of them. */
const windowsOf = (
  { pieces, scored }: HeardPiece,
  vectors: Vectors,
  which: number,
  kept: KeptWindows
): ReadonlyArray<SiteWindows> => {
  const { probabilities } = scored[which]!
  const classes = kept.classes.length
  let first = 0
  return pieces.map((windows) => {
    const from = first * classes
    first += windows.count
    return {
      windows: columnsOf(windows, vectors, kept.vectors),
      probabilities: probabilities.subarray(from, first * classes)
    }
  })
}
