import { expect, test } from "bun:test"
import { Effect } from "effect"
import { predict } from "../../../src/classifier/classifier.ts"
import { HEADS } from "../../../src/classifier/heads/heads.ts"
import { testClassifier } from "../../../src/classifier/holdoutResult.ts"
import { corpus, trainOn } from "../../support/trainingRuns.ts"

test.each(["mlp", "linear"] as const)("%s learns to tell unseen recordings apart", async (head) => {
  const { dataset, split, classifier } = await Effect.runPromise(trainOn(corpus(20), { head }))
  expect(testClassifier(classifier, dataset, split.holdout)!.macroF1).toBeGreaterThan(0.9)
  expect(classifier.classes).toEqual(["dog", "engine", "gun"])
  expect(classifier.notes).toEqual([])
  // What training saw of validation in its graph is what the folded weights give without it.
  const validation = testClassifier(classifier, dataset, split.validation)!
  const best = classifier.history[classifier.bestEpoch - 1]!
  expect(validation.loss).toBeCloseTo(best.val_loss!, 4)
  expect(validation.accuracy).toBeCloseTo(best.val_accuracy!, 6)
})

test("equal seeds give equal weights, others do not", async () => {
  const weights = (seed: number) =>
    Effect.runPromise(trainOn(corpus(6), { seed, epochs: 2 })).then(({ classifier }) => classifier.weights)
  const one = await weights(1)
  expect(await weights(1)).toEqual(one)
  expect((await weights(2)).kernel0).not.toEqual(one.kernel0)
})

test("standardised or not, a clip gets the same prediction", async () => {
  const { dataset, classifier } = await Effect.runPromise(trainOn(corpus(6), { epochs: 2 }))
  const clip = dataset.samples[0]!.vector
  const mean = clip.reduce((sum, value) => sum + value, 0) / 1024
  const deviation = Math.sqrt(clip.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 1024)
  const [given, standardised] = [clip, clip.map((value) => (value - mean) / deviation)].map((vector) =>
    predict(classifier, vector)
  )
  for (const [label, probability] of given!.entries()) expect(standardised![label]).toBeCloseTo(probability, 5)
  expect(given!.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 6)
})

test("without validation recordings the classifier says so", async () => {
  const { classifier } = await Effect.runPromise(
    trainOn(
      corpus(2).filter(({ key }) => /[01]\.wav$/.test(key)),
      { epochs: 3 }
    )
  )
  expect(classifier.history.length).toBe(3)
  expect(classifier.notes).toEqual([
    "There are no validation recordings: trained for all 3 epochs, without early stopping."
  ])
})

test.each([
  [{ epochs: 0 }, "Epochs must be a whole number from 1, not 0."],
  [{ epochs: 1.5 }, "Epochs must be a whole number from 1, not 1.5."],
  [{ batchSize: 1 }, "A batch needs at least 2 samples, not 1."],
  [
    { description: { ...HEADS.mlp.description, dropout: [0.5] } },
    `A head with ${HEADS.mlp.description.hidden.length} hidden layers needs as many shares of dropout, not 1.`
  ]
])("settings %o are refused in one sentence", async (settings, message) => {
  const error = await Effect.runPromise(trainOn(corpus(6), settings).pipe(Effect.flip))
  expect(error).toMatchObject({ _tag: "TrainingError", message })
})

test("of many samples a head that does not stop early makes fewer passes, and says of how many", async () => {
  const told: Array<number> = []
  const settings = {
    description: { ...HEADS.linear.description, earlyStopping: false },
    epochs: 100,
    batchSize: 2,
    onEpoch: (_: number, __: unknown, most: number) => Effect.sync(() => void told.push(most))
  }
  const { dataset, split, classifier } = await Effect.runPromise(trainOn(corpus(20), settings))
  const rows = dataset.samples.filter(({ group }) => split.subsets.get(group) !== "holdout").length
  const passes = Math.ceil((2000 * 2) / rows)
  expect(passes).toBeLessThan(100)
  expect(classifier.history).toHaveLength(passes)
  expect(new Set(told)).toEqual(new Set([passes]))
})
