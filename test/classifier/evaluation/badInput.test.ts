import { expect, test } from "bun:test"
import { Effect } from "effect"
import { predict } from "../../../src/classifier/classifier.ts"
import { makeDataset, type Sample, vectorsOf } from "../../../src/classifier/dataset.ts"
import { trainCalibrated } from "../../../src/classifier/evaluation/calibrated.ts"
import { evaluateHeads } from "../../../src/classifier/evaluation/evaluation.ts"
import { evaluationPage } from "../../../src/classifier/evaluation/evaluationPage.ts"
import { outOfFold } from "../../../src/classifier/evaluation/outOfFold.ts"
import type { HeadName } from "../../../src/classifier/heads/heads.ts"
import { splitDataset } from "../../../src/classifier/split.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { gaussian } from "../../support/problems.ts"
import { standInScores } from "../../support/trainingRuns.ts"

const scores = standInScores()
const random = seededRandom(31)

/** Recordings of a class around its centre; `source` names each one's. */
const recordings = (
  className: string,
  count: number,
  source: (at: number) => string,
  centre: number
): ReadonlyArray<Sample> =>
  Array.from({ length: count }, (_, at) => ({
    key: `extracted_audio/${className}/${at}.wav`,
    className,
    group: source(at),
    variant: "original",
    vector: Float32Array.from({ length: 1024 }, (_, i) =>
      // Most features of an embedding are zero.
      Math.max(0, gaussian(random) - 1.2 + (i % 7 === centre % 7 ? 1.5 : 0))
    )
  }))

const own = (className: string) => (at: number) => `${className}${at}`

/** A cross-validation as `bun run evaluate` does it, and a training as `bun run retrain` does. */
const answer = (samples: ReadonlyArray<Sample>, head: HeadName = "audioset", epochs = 4) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const dataset = yield* makeDataset(samples)
      const settings = { head, scores, epochs, batchSize: 64, seed: 0 } as const
      const limits = { seconds: 1, most: 1, onTrial: () => Effect.void }
      const result = yield* outOfFold(dataset, { folds: 3, repeats: 1, seed: 0 }, (split, seed) =>
        trainCalibrated(dataset, split, { ...settings, seed }, limits, nativeBackend)
      )
      const seconds = new Map(samples.map(({ key }) => [key, 4]))
      const evaluation = evaluateHeads(dataset, seconds, [{ head, seconds: 1, result }], {
        folds: 3,
        repeats: 1,
        background: undefined
      })
      const trained = yield* Effect.result(
        trainCalibrated(dataset, splitDataset(dataset), settings, limits, nativeBackend)
      )
      return { dataset, result, evaluation, trained }
    })
  )

type Answer = Awaited<ReturnType<typeof answer>>

/** The evaluation, its page, and the trained classifier give numbers, and no more than was tested. */
const expectSound = ({ dataset, evaluation, trained }: Answer) => {
  const [head] = evaluation!.heads
  for (const figure of [head!.macroF1, head!.logLoss, head!.calibrationError]) {
    expect([figure.value, figure.low, figure.high].every(Number.isFinite)).toBe(true)
  }
  expect(evaluationPage(evaluation!, "a store", new Date(0))).not.toContain("NaN")
  if (trained._tag === "Failure") throw trained.failure
  const classifier = trained.success
  const probabilities = predict(classifier, vectorsOf(dataset, [0]))
  expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 4)
  expect(classifier.calibration!.thresholds.every((threshold) => threshold >= 0 && threshold <= 1)).toBe(true)
}

test("a class with one recording is not tested, and its figure is missing, not 0 or 1", async () => {
  const given = await answer([
    ...recordings("dog", 12, own("dog"), 0),
    ...recordings("gun", 12, own("gun"), 1),
    ...recordings("owl", 1, own("owl"), 2)
  ])
  expectSound(given)
  const owl = given.evaluation!.heads[0]!.classes.find(({ className }) => className === "owl")!
  expect(owl).toMatchObject({ recordings: 1, sources: 1, recall: null, recallAtAlarms: [null, null, null] })
  expect(given.evaluation!.notes).toContain(
    'Class "owl" is not tested: 1 recording from one source cannot say how others fare; add sources.'
  )
})

test("recordings that all come from one source cannot be tested, and no figure is made of them", async () => {
  const { evaluation, result, trained } = await answer([
    ...recordings("dog", 8, () => "one", 0),
    ...recordings("gun", 8, () => "one", 1)
  ])
  expect(evaluation).toBeUndefined()
  expect(result.notes).toEqual(
    ["dog", "gun"].map(
      (name) => `Class "${name}" is not tested: 8 recordings from one source cannot say how others fare; add sources.`
    )
  )
  if (trained._tag === "Failure") throw trained.failure
  expect(trained.success.calibration).toEqual({ temperature: 1, thresholds: [0, 0], recordings: 0 })
})

test("two classes with the same sounds are told apart by nobody, and the answer says why", async () => {
  const dogs = recordings("dog", 15, own("source"), 0)
  const wolves = dogs.map((sample) => ({ ...sample, className: "wolf", key: sample.key.replace("dog", "wolf") }))
  const given = await answer([...dogs, ...wolves, ...recordings("gun", 15, own("gun"), 1)])
  expectSound(given)
  expect(given.evaluation!.notes).toContain(
    "The same sound lies in several classes 15 times (dog, wolf): no classifier can be right on both."
  )
  const [dog, , wolf] = given.evaluation!.heads[0]!.classes
  expect(dog!.recall!.value + wolf!.recall!.value).toBeLessThanOrEqual(1 + 1e-9)
})

test("two hundred classes get an answer for each", async () => {
  const given = await answer(
    Array.from({ length: 200 }, (_, label) => recordings(`class ${label}`, 3, own(`s${label}-`), label)).flat(),
    "linear",
    2
  )
  expectSound(given)
  expect(given.evaluation!.heads[0]!.classes.length).toBe(200)
  expect(given.evaluation!.notes).toContainEqual(expect.stringContaining("and 188 others."))
})

test("five recordings against five thousand are looked at class by class", async () => {
  const given = await answer(
    [...recordings("gun", 5, own("gun"), 1), ...recordings("quiet", 5000, (at) => `q${at % 40}`, 0)],
    "linear",
    3
  )
  expectSound(given)
  expect(given.evaluation!.notes).toContain(
    "Classes have from 5 to 5000 recordings: look at each class's recall, not at accuracy."
  )
  // Balanced by weight: the small class is not given up for the large one.
  const gun = given.evaluation!.heads[0]!.classes.find(({ className }) => className === "gun")!
  expect(gun.recall!.value).toBeGreaterThan(0.5)
})
