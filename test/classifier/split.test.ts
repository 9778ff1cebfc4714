import { expect, test } from "bun:test"
import fc from "fast-check"
import type { Sample } from "../../src/classifier/dataset.ts"
import { type Subset, splitDataset } from "../../src/classifier/split.ts"

// A split does not look at vectors.
const VECTOR = new Float32Array()

/** Recordings of one group; each has an original and one augmented variant. */
const recordings = (className: string, group: string, count: number): Array<Sample> =>
  Array.from({ length: count }, (_, take) => `extracted_audio/${className}/${group}-${take}.wav`).flatMap((key) =>
    ["original", "pitch_up"].map((variant) => ({ key, className, group, variant, vector: VECTOR }))
  )

const splitOf = (samples: ReadonlyArray<Sample>) => {
  const classes = [...new Set(samples.map(({ className }) => className))].sort()
  const dataset = { classes, samples, labels: Int32Array.from(samples, ({ className }) => classes.indexOf(className)) }
  return { dataset, ...splitDataset(dataset) }
}

/** Two or three classes, each of groups of its own. */
const ownGroups = fc
  .array(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 12 }), { minLength: 2, maxLength: 3 })
  .chain((sizes) =>
    fc
      .nat()
      .map((salt) =>
        sizes.flatMap((counts, label) =>
          counts.flatMap((count, g) => recordings(`class${label}`, `${salt}:${label}:${g}`, count))
        )
      )
  )

test("every group is on one side, training has all variants, the other subsets have originals", () => {
  fc.assert(
    fc.property(ownGroups, (samples) => {
      const { dataset, subsets, ...split } = splitOf(samples)
      const partOf = (row: number) => subsets.get(dataset.samples[row]!.group)
      const inPart = (part: Subset) =>
        dataset.samples.flatMap(({ group, variant }, row) =>
          subsets.get(group) === part && (part === "training" || variant === "original") ? [row] : []
        )
      for (const part of ["training", "validation", "holdout"] as const) {
        expect(split[part]).toEqual(inPart(part))
        expect(split[part].every((row) => partOf(row) === part)).toBe(true)
      }
      expect(subsets.size).toBe(new Set(samples.map(({ group }) => group)).size)
    }),
    { numRuns: 60 }
  )
})

test("two groups of a class give a holdout, three a validation, too, and most of a class trains", () => {
  fc.assert(
    fc.property(ownGroups, (samples) => {
      const { dataset, subsets, notes } = splitOf(samples)
      for (const className of dataset.classes) {
        const own = Map.groupBy(
          dataset.samples.filter((sample) => sample.className === className),
          ({ group }) => subsets.get(group)
        )
        const total = dataset.samples.filter((sample) => sample.className === className).length
        const groups = new Set([...own.values()].flat().map(({ group }) => group)).size
        expect(own.get("holdout")!.length).toBeWithin(1, total / 2 + 1)
        expect(own.get("training")!.length).toBeGreaterThan(0)
        expect(own.has("validation")).toBe(groups > 2)
      }
      expect(notes.length).toBe(
        dataset.classes.filter(
          (name) => new Set(samples.filter(({ className }) => className === name).map(({ group }) => group)).size === 2
        ).length
      )
    }),
    { numRuns: 60 }
  )
})

test("neither the order of samples nor another class moves a group", () => {
  fc.assert(
    fc.property(ownGroups, fc.integer({ min: 1, max: 9 }), (samples, count) => {
      const { subsets } = splitOf(samples)
      const more = splitOf([
        ...recordings("another", "a", count),
        ...samples.toReversed(),
        ...recordings("another", "b", 3)
      ]).subsets
      for (const [group, part] of subsets) expect(more.get(group)).toBe(part)
    }),
    { numRuns: 60 }
  )
})

test("adding recordings to a class of many sources leaves its holdout and validation alone", () => {
  const groups = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => from + i).flatMap((g) =>
      recordings(`class${g % 2}`, `source${g}`, 1 + (g % 3))
    )
  const before = splitOf(groups(0, 400)).subsets
  const after = splitOf(groups(0, 800)).subsets
  for (const [group, part] of before) expect(after.get(group)).toBe(part)
  const share = (part: Subset) => [...after.values()].filter((other) => other === part).length / after.size
  expect(share("holdout")).toBeCloseTo(0.2, 1)
  expect(share("validation")).toBeCloseTo(0.16, 1)
})

test("a source with most of a class's recordings trains", () => {
  for (let salt = 0; salt < 50; salt++) {
    const { subsets } = splitOf([
      ...recordings("engine_idling", `${salt}-big`, 16),
      ...[6, 5, 3].flatMap((count) => recordings("engine_idling", `${salt}-${count}`, count)),
      ...recordings("other", "a", 1),
      ...recordings("other", "b", 1)
    ])
    expect(subsets.get(`${salt}-big`)).toBe("training")
  }
})

test("a source with recordings of several classes goes one way, and takes no class's last source", () => {
  for (let salt = 0; salt < 50; salt++) {
    const { subsets, notes } = splitOf([
      ...recordings("dog", `${salt}-shared`, 4),
      ...recordings("gun", `${salt}-shared`, 2),
      ...recordings("dog", `${salt}-dogs`, 4)
    ])
    expect(subsets.get(`${salt}-shared`)).toBe("training")
    expect(subsets.get(`${salt}-dogs`)).toBe("holdout")
    expect(notes).toEqual([
      'Class "dog" has no validation recordings: its 2 sources do not suffice.',
      'Class "gun" is trained but not tested: its recordings come from one source.'
    ])
  }
})
