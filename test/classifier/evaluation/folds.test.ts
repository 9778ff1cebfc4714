import { expect, test } from "bun:test"
import fc from "fast-check"
import { ALWAYS_TRAINED, assignFolds, dealGroups } from "../../../src/classifier/evaluation/folds.ts"
import golden from "../../golden/evaluation/folds.json"

test.each(golden.cases.map((example) => [example.counts.length, example] as const))(
  "%i groups are dealt as scikit-learn deals them",
  (_, { classes, folds, counts, fold }) => {
    const groups = counts.map((own) => new Map(own.flatMap((count, label) => (count > 0 ? [[label, count]] : []))))
    const dealt = [...dealGroups(groups, classes, folds)]
    const first = [...new Set(dealt)]
    expect(dealt.map((number) => first.indexOf(number))).toEqual(fold)
  }
)

const corpus = fc
  .array(fc.record({ label: fc.nat(3), group: fc.nat(12) }), { minLength: 2, maxLength: 60 })
  .map((recordings) => ({
    classes: ["a", "b", "c", "d"],
    samples: recordings.map(({ group }, at) => ({
      key: `${at}`,
      className: "",
      group: `g${group}`,
      variant: "original",
      vector: new Float32Array()
    })),
    labels: Int32Array.from(recordings, ({ label }) => label)
  }))

test("every group has one fold, the same for the same seed, and those that hold all of a class stay out", () => {
  fc.assert(
    fc.property(corpus, fc.integer({ min: 2, max: 6 }), fc.nat(5), (dataset, folds, seed) => {
      const assigned = assignFolds(dataset, folds, seed)
      expect(assigned).toEqual(assignFolds(dataset, folds, seed))
      const sources = dataset.classes.map(
        (_, label) =>
          new Set(dataset.samples.flatMap(({ group }, row) => (dataset.labels[row] === label ? [group] : [])))
      )
      for (const { group } of dataset.samples) {
        const isOnly = sources.some((own) => own.size === 1 && own.has(group))
        const fold = assigned.get(group)!
        if (isOnly) expect(fold).toBe(ALWAYS_TRAINED)
        else expect(fold >= 0 && fold < folds).toBe(true)
      }
    })
  )
})

test("other seeds deal equal groups otherwise", () => {
  const samples = Array.from({ length: 30 }, (_, at) => ({
    key: `${at}`,
    className: "",
    group: `g${at}`,
    variant: "original",
    vector: new Float32Array()
  }))
  const dataset = { classes: ["a", "b"], samples, labels: Int32Array.from(samples, (_, at) => at % 2) }
  const dealt = [0, 1, 2].map((seed) => samples.map(({ group }) => assignFolds(dataset, 5, seed).get(group)).join())
  expect(new Set(dealt).size).toBe(3)
})
