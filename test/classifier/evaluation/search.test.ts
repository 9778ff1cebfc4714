import { expect, test } from "bun:test"
import { Effect } from "effect"
import { makeDataset, type Sample } from "../../../src/classifier/dataset.ts"
import { trainCalibrated, withoutHoldout } from "../../../src/classifier/evaluation/calibrated.ts"
import { searchHead } from "../../../src/classifier/evaluation/search.ts"
import { candidates } from "../../../src/classifier/evaluation/space.ts"
import { HEADS } from "../../../src/classifier/heads/heads.ts"
import { splitDataset } from "../../../src/classifier/split.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import type { Trial } from "../../../src/classifier/trials.ts"
import { corpus, standInScores } from "../../support/trainingRuns.ts"

const scores = standInScores()
const settings = { head: "auto", scores, epochs: 3, batchSize: 32, seed: 5 } as const

const search = (samples: ReadonlyArray<Sample>, most: number | undefined, seconds = 60) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const told: Array<Trial> = []
      const result = yield* searchHead(
        yield* makeDataset(samples),
        settings,
        { seconds, most },
        nativeBackend,
        (trial) => Effect.sync(() => void told.push(trial))
      )
      return { ...result, told }
    })
  )

test("as many heads tried give the same trials and the same head, to the bit", async () => {
  const samples = corpus(6)
  const [one, again] = [await search(samples, 5), await search(samples, 5)]
  expect(one.search.trials.length).toBe(5)
  expect(one.told).toEqual([...one.search.trials])
  expect({ ...again.search, seconds: 0 }).toEqual({ ...one.search, seconds: 0 })
  expect(again.head).toEqual(one.head)
  // A shorter search tries the first of the same.
  const shorter = await search(samples, 3)
  expect(shorter.search.trials).toEqual(one.search.trials.slice(0, 3))
  // The first two are the heads on offer; a trial that stayed in to the end has a score.
  expect(one.search.trials.map(({ name }) => name).slice(0, 2)).toEqual(["audioset", "linear"])
  for (const { folds, macroF1 } of one.search.trials) expect(macroF1 === null).toBe(folds < 15)
})

test("a search that has no time left tries the first head, and no other", async () => {
  const { search: found, head } = await search(corpus(6), undefined, 0)
  expect(found.trials.map(({ name }) => name)).toEqual(["audioset"])
  expect(head).toEqual({ description: HEADS.audioset.description })
  expect(found.why).toBe("No head did better than audioset out of fold.")
})

test("a head that is clearly worse is given up before it has been through all folds", async () => {
  // Embeddings that the classes are plain in, and scores that say nothing at all of them.
  const blind = { kernel: new Float32Array(1024 * 521), bias: new Float32Array(521) }
  const dataset = await Effect.runPromise(makeDataset(corpus(8, 2)))
  const { search: found } = await Effect.runPromise(
    searchHead(dataset, { ...settings, scores: blind, epochs: 6 }, { seconds: 60, most: 6 }, nativeBackend)
  )
  expect(found.winner).toBe("linear")
  expect(found.why).toContain("linear is better than audioset in 100 % of resamples of the sources")
  const blindTrials = found.trials.slice(2).filter(({ description }) => description.input === "scores")
  expect(blindTrials.length).toBeGreaterThan(0)
  for (const { folds } of blindTrials) expect(folds).toBeLessThan(15)
})

test("where nothing can be tested, the first head stays, and that is said", async () => {
  const samples = corpus(3).map((sample) => ({ ...sample, group: sample.className }))
  const { search: found } = await search(samples, undefined)
  expect(found.trials.length).toBe(1)
  expect(found.trials[0]!.loss).toBeNull()
  expect(found.why).toBe("Nothing can be tested on sources that were not trained on, so audioset stays.")
})

test("the holdout has no part in search, training and calibration", async () => {
  const limits = { seconds: 60, most: 3, onTrial: () => Effect.void }
  const trainOn = (samples: ReadonlyArray<Sample>) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const dataset = yield* makeDataset(samples)
        const split = splitDataset(dataset)
        return {
          dataset,
          split,
          classifier: yield* trainCalibrated(dataset, split, settings, limits, nativeBackend)
        }
      })
    )
  const samples = corpus(6)
  const { dataset, split, classifier } = await trainOn(samples)
  const held = new Set(split.holdout.map((row) => dataset.samples[row]!.key))
  expect(held.size).toBeGreaterThan(0)
  expect(withoutHoldout(dataset, split).samples.some(({ key }) => held.has(key))).toBe(false)
  // Other sounds in the holdout change nothing.
  const changed = await trainOn(
    samples.map((sample) => (held.has(sample.key) ? { ...sample, vector: sample.vector.map((v) => v * v) } : sample))
  )
  expect(changed.classifier.weights).toEqual(classifier.weights)
  expect(changed.classifier.calibration).toEqual(classifier.calibration)
  expect(classifier.search!.trials.length).toBe(3)
})

test("drawn heads do not depend on how many were drawn before, but on the seed", () => {
  const first = (seed: number, hasScores: boolean, count: number) => {
    const drawn = []
    for (const candidate of candidates(seed, hasScores ? { scores } : {})) {
      drawn.push(candidate)
      if (drawn.length === count) break
    }
    return drawn
  }
  expect(first(1, true, 12).slice(0, 5)).toEqual(first(1, true, 5))
  expect(first(1, true, 12)).not.toEqual(first(2, true, 12))
  expect(first(1, true, 60).some(({ name }) => name === "mlp")).toBe(true)
  expect(first(1, false, 60).some(({ description }) => description.input === "scores")).toBe(false)
  for (const { description } of first(3, true, 200)) {
    expect(description.dropout.length).toBe(description.hidden.length)
    expect(description.decay >= 0 && description.learningRate > 0 && description.members >= 1).toBe(true)
  }
})
