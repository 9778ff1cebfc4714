import type { RunSummary } from "../../src/runs/summary.ts"

type Comparison = Pick<NonNullable<RunSummary["comparison"]>, "difference" | "recalls">

/** What of a migration's run decides what to do next. */
interface Ended extends Pick<RunSummary, "runId" | "promoted"> {
  readonly comparison: Comparison | null
}

/** What to do once a migration has ended, `classTolerance` being GATE_CLASS_TOLERANCE: a sentence a line. */
export const describeSwitch = (
  { runId, promoted, comparison }: Ended,
  { from, to }: { readonly from: string; readonly to: string },
  classTolerance: number
): ReadonlyArray<string> =>
  promoted
    ? [
        `Set EMBEDDER=${to} wherever retrain, watch, scan and serve are started: with another, runs promote nothing by themselves.`,
        `bun run models rollback goes back to the model that hears by ${from}; its vectors stay.`
      ]
    : [
        ...(comparison === null ? [] : describeSingles(comparison, classTolerance)),
        `The model that hears by ${from} serves on; bun run models promote ${runId} switches all the same.`
      ]

/**
 * Two embedders err on different recordings, so that of a small class a better model, too, often misses one that the other
 * knew: where nothing else holds it back, this says by what tolerance it would be let through.
 */
const describeSingles = ({ difference, recalls }: Comparison, classTolerance: number): ReadonlyArray<string> => {
  const fallen = recalls
    .filter(({ candidate, promoted }) => promoted - candidate > classTolerance + 1e-9)
    .map(({ className, support, candidate, promoted }) => {
      const [known, before] = [candidate, promoted].map((share) => Math.round(share * support))
      return { className, support, known: known!, before: before! }
    })
  if (difference < 0 || fallen.length === 0 || fallen.some(({ known, before }) => before - known > 1)) return []
  const tolerance = Math.ceil(100 / Math.min(...fallen.map(({ support }) => support))) / 100
  const classes = fallen.map(
    ({ className, support, known, before }) => `${className} ${known} of ${support} where it was ${before}`
  )
  return [
    `It is held back by single recordings: ${classes.join(", ")}. Where you can do with that, ` +
      `GATE_CLASS_TOLERANCE=${tolerance} and the same command decide again; all is embedded.`
  ]
}
