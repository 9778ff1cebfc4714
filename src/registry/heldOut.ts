import { Effect, Option, Schema } from "effect"
import type { Dataset } from "../classifier/dataset.ts"
import { encodeDocument } from "../store/documents.ts"
import type { TrainingSet } from "./trainingSet.ts"
import { HELD_OUT_FILE, readVersionDocument } from "./versionFiles.ts"

const File = Schema.Array(Schema.String)

/** The contents (hex SHA-256) that a version was tested on, as a file; in order, so that the same ones give the same bytes. */
export const encodeHeldOut = (contents: Iterable<string>): Uint8Array => encodeDocument([...new Set(contents)].sort())

/** The contents that a version was trained on, of its training set; none where it does not tell what it held out. */
export const readTrainedOn = Effect.fn("readTrainedOn")(function* (runId: string, set: TrainingSet) {
  const file = yield* readVersionDocument(runId, HELD_OUT_FILE, File)
  if (Option.isNone(file)) return new Set<string>()
  const heldOut = new Set(file.value)
  return new Set([...set.values()].filter((contentHash) => !heldOut.has(contentHash)))
})

/**
 * The rows on which a model that was trained on these contents can be held against one that was not: those that neither has
 * trained on. A class whose rows it knows all keeps them, for else nobody would notice that it is lost.
 *
 * @param live the content of every recording, by key.
 */
export const fairRows = (
  { samples, labels }: Pick<Dataset, "samples" | "labels">,
  rows: ReadonlyArray<number>,
  trainedOn: ReadonlySet<string>,
  live: ReadonlyMap<string, string>
): ReadonlyArray<number> => {
  const isUnheard = (row: number) => !trainedOn.has(live.get(samples[row]!.key)!)
  const fair = new Set(rows.filter(isUnheard).map((row) => labels[row]!))
  return rows.filter((row) => isUnheard(row) || !fair.has(labels[row]!))
}
