import { counted } from "../../config/inWords.ts"
import type { Dataset } from "../dataset.ts"
import { splitAround } from "../split.ts"
import { type Cut, testable } from "./outOfFold.ts"

/** The part that a recording belongs to, by its key; undefined for what is trained on and never tested. */
export type PartOf = (key: string) => string | undefined

/**
 * The part that a pattern finds in a key: what its first group captured, else all that it matched. With `fold\d`, the
 * recordings of `extracted_audio/dog_bark/fold3/a.wav` and of `extracted_audio/gun_shot/fold3/b.wav` are one part.
 */
export const partsBy =
  (pattern: RegExp): PartOf =>
  (key) => {
    const match = pattern.exec(key)
    return match === null ? undefined : (match[1] ?? match[0])
  }

/**
 * Cuts that leave out one part after another, so often. A source with recordings in a part is not trained on when that is
 * tested, wherever its others lie.
 */
export const cutsByPart = (
  dataset: Dataset,
  partOf: PartOf,
  { repeats, seed }: { readonly repeats: number; readonly seed: number }
): ReadonlyArray<Cut> => {
  const partOfRow = dataset.samples.map(({ key }) => partOf(key))
  const parts = [...new Set(partOfRow)].filter((part) => part !== undefined).sort()
  return Array.from({ length: repeats }, (_, repeat) =>
    parts.map((part, at): Cut => {
      const number = repeat * parts.length + at
      const heldOut = new Set(dataset.samples.flatMap(({ group }, row) => (partOfRow[row] === part ? [group] : [])))
      const split = splitAround(dataset, heldOut, `validation ${seed} ${number}`)
      const tested = testable(dataset, split).filter((row) => partOfRow[row] === part)
      return { repeat, number, split, tested, part }
    })
  ).flat()
}

/** What is not tested by these cuts, and why, a sentence each. */
export const notesOnParts = (
  { classes, samples, labels }: Dataset,
  partOf: PartOf,
  cuts: ReadonlyArray<Cut>
): ReadonlyArray<string> => {
  const tested = new Set(cuts.flatMap((cut) => cut.tested))
  const originals = samples.flatMap(({ variant }, row) => (variant === "original" ? [row] : []))
  const inPart = originals.filter((row) => partOf(samples[row]!.key) !== undefined)
  const outside = originals.length - inPart.length
  return [
    ...(outside > 0
      ? [`${outside} of ${counted(originals.length, "recording")} are in no part: they test nothing.`]
      : []),
    ...classes.flatMap((name, label) => {
      const untested = inPart.filter((row) => labels[row] === label && !tested.has(row)).length
      return untested === 0
        ? []
        : [
            `Class "${name}": ${counted(untested, "recording is", "recordings are")} not tested: no other part has a source of the class to train on.`
          ]
    })
  ]
}
