import type { Dataset } from "./dataset.ts"

export type Subset = "training" | "validation" | "holdout"

/** Which samples train, which stop the training, and which score the result; rows of the data set. */
export interface Split {
  /** Every variant of the training recordings. */
  readonly training: ReadonlyArray<number>
  /** Originals only. */
  readonly validation: ReadonlyArray<number>
  /** Originals only. */
  readonly holdout: ReadonlyArray<number>
  readonly subsets: ReadonlyMap<string, Subset>
  /** What the split could not give, a sentence each. */
  readonly notes: ReadonlyArray<string>
}

/** The share of groups that a split sets aside, and the bounds on what that may be of a class's recordings. */
const SHARE = { usual: 0.2, least: 0.1, most: 0.5 } as const

/**
 * Splits a data set by group, so that recordings cut from one source never fall on two sides.
 *
 * Each group has a draw between 0 and 1, the hash of its name. Groups with a draw below 0.2 are the holdout; nothing
 * else has a say where that sets aside between a tenth and half of each class's recordings, so a group's place does not
 * change as data is added, and neither seed nor order matters. Small classes need more than chance: in order of their
 * draws, groups are set aside until a tenth of a class's recordings is, and passed over where more than half of a
 * class's recordings, or its last groups, would go. Hence of one class's own groups, out of two or more at least one is
 * held out and one trains, and out of three one validates, too. What is added may move the groups of small classes
 * only: back to training where an earlier draw comes in, out of it where the class has outgrown its tenth.
 *
 * Validation is chosen in the same way, by another hash, among the groups that are not held out. A group with
 * recordings of several classes goes one way as a whole and must fit all of them.
 */
export const splitDataset = (dataset: Pick<Dataset, "classes" | "samples" | "labels">): Split =>
  divide(dataset, (groups) => setAside(groups, dataset.classes.length, "holdout", 2), "validation")

/**
 * Splits a data set with these groups as its holdout, as cross-validation does fold by fold; `purpose` draws the
 * validation groups, so that another one draws others.
 */
export const splitAround = (
  dataset: Pick<Dataset, "classes" | "samples" | "labels">,
  heldOut: ReadonlySet<string>,
  purpose: string
): Split => divide(dataset, (groups) => new Set(groups.filter(({ name }) => heldOut.has(name))), purpose)

const divide = (
  { classes, samples, labels }: Pick<Dataset, "classes" | "samples" | "labels">,
  holdOut: (groups: ReadonlyArray<Group>) => ReadonlySet<Group>,
  purpose: string
): Split => {
  const groups = gather(samples.map(({ group, key }, row) => ({ group, key, label: labels[row]! })))
  const holdout = holdOut(groups)
  const rest = groups.filter((group) => !holdout.has(group))
  const validation = setAside(rest, classes.length, purpose, 1)
  const subsets = new Map(
    groups.map((group): [string, Subset] => [
      group.name,
      holdout.has(group) ? "holdout" : validation.has(group) ? "validation" : "training"
    ])
  )
  const rows = (subset: Subset, keep: (variant: string) => boolean) =>
    samples.flatMap(({ group, variant }, row) => (subsets.get(group) === subset && keep(variant) ? [row] : []))
  const isOriginal = (variant: string) => variant === "original"
  return {
    training: rows("training", () => true),
    validation: rows("validation", isOriginal),
    holdout: rows("holdout", isOriginal),
    subsets,
    notes: classes.flatMap((name, label) => notesOn(name, label, groups, subsets))
  }
}

interface Group {
  readonly name: string
  /** The number of recordings for each class (label) that the group has any of. */
  readonly recordings: ReadonlyMap<number, number>
}

const gather = (
  samples: ReadonlyArray<{ readonly group: string; readonly key: string; readonly label: number }>
): ReadonlyArray<Group> => {
  const recordings = [...new Map(samples.map((sample) => [sample.key, sample])).values()]
  return [...Map.groupBy(recordings, ({ group }) => group)].map(([name, members]) => ({
    name,
    recordings: new Map([...Map.groupBy(members, ({ label }) => label)].map(([label, own]) => [label, own.length]))
  }))
}

const setAside = (
  groups: ReadonlyArray<Group>,
  classes: number,
  purpose: string,
  leave: number
): ReadonlySet<Group> => {
  const total = new Array<number>(classes).fill(0)
  const left = new Array<number>(classes).fill(0)
  for (const { recordings } of groups) {
    for (const [label, count] of recordings) {
      total[label]! += count
      left[label]! += 1
    }
  }
  const atLeast = left.map((count) => Math.min(leave, count - 1))
  const taken = new Array<number>(classes).fill(0)
  const chosen = new Set<Group>()
  const inOrder = groups
    .map((group) => ({ group, draw: drawOf(purpose, group.name) }))
    .sort((a, b) => a.draw - b.draw || (a.group.name < b.group.name ? -1 : 1))
  for (const { group, draw } of inOrder) {
    const own = [...group.recordings]
    const wanted = draw < SHARE.usual || own.some(([label]) => taken[label]! < SHARE.least * total[label]!)
    const fits = own.every(
      ([label, count]) => taken[label]! + count <= SHARE.most * total[label]! && left[label]! > atLeast[label]!
    )
    if (!wanted || !fits) continue
    chosen.add(group)
    for (const [label, count] of own) {
      taken[label]! += count
      left[label]! -= 1
    }
  }
  return chosen
}

// 48 bits of SHA-256: as many as fit a double without rounding.
const drawOf = (purpose: string, group: string): number =>
  Number.parseInt(new Bun.CryptoHasher("sha256").update(`${purpose}:${group}`).digest("hex").slice(0, 12), 16) / 2 ** 48

const notesOn = (
  name: string,
  label: number,
  groups: ReadonlyArray<Group>,
  subsets: ReadonlyMap<string, Subset>
): ReadonlyArray<string> => {
  const own = groups.filter(({ recordings }) => recordings.has(label))
  const has = (subset: Subset) => own.some((group) => subsets.get(group.name) === subset)
  const sources = own.length === 1 ? "its recordings come from one source" : `its ${own.length} sources do not suffice`
  if (!has("training")) return [`Class "${name}" is not trained: ${sources}.`]
  if (!has("holdout")) return [`Class "${name}" is trained but not tested: ${sources}.`]
  return has("validation") ? [] : [`Class "${name}" has no validation recordings: ${sources}.`]
}
