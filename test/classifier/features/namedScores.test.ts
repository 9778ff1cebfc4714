import { expect, test } from "bun:test"
import { Effect } from "effect"
import { predict } from "../../../src/classifier/classifier.ts"
import { FEATURES } from "../../../src/classifier/features/kinds.ts"
import { layers } from "../../../src/classifier/heads/layers.ts"
import type { ScoreLayer } from "../../../src/embedder/embedder.ts"
import { corpus, standInScores, tapped, trainOn } from "../../support/trainingRuns.ts"

const plain = standInScores()
// Far above the floor for any embedding, so that every logit counts.
const scores: ScoreLayer = {
  ...plain,
  bias: plain.bias.map((own) => own + 40),
  sounds: { dog: [3], bark: [5], gun: [7] }
}
const description = layers.mixedWith!.find(({ input }) => input === "namedScores")!

const logitOf = (vector: Float32Array, sound: number) =>
  vector.reduce((sum, value, at) => sum + value * scores.kernel[at * 521 + sound]!, scores.bias[sound]!)

test("each class that a sound names has a number: the mean of YAMNet's logits of its sounds, above a floor", () => {
  const { of, width } = FEATURES.namedScores.make(1024, { scores }, ["clips", "dog_bark", "gun"])
  expect(width).toBe(523)
  const [one, other] = corpus(1).map(({ vector }) => of(vector))
  const [first, second] = corpus(1).map(({ vector }) => vector)
  const [dog, gun] = [521, 522].map((at) => other![at]! - one![at]!)
  const [barks, shots] = [[3, 5], [7]].map((sounds) =>
    sounds.map((sound) => logitOf(second!, sound) - logitOf(first!, sound))
  )
  expect(dog! / gun!).toBeCloseTo((barks![0]! + barks![1]!) / 2 / shots![0]!, 2)
  const quiet = FEATURES.namedScores.make(1024, { scores: { ...scores, bias: plain.bias.map(() => -1000) } }, ["gun"])
  expect(quiet.of(first!)[521]).toBe(0)
})

test("classes that no sound names have the scores alone", () => {
  const named = FEATURES.namedScores.make(1024, { scores }, ["clips", "night"])
  const { of } = FEATURES.scores.make(1024, { scores }, [])
  expect(named.of(corpus(1)[0]!.vector)).toEqual(of(corpus(1)[0]!.vector))
  expect(named.priorKernel).toBeUndefined()
})

test("what is hardly learnt answers by what YAMNet hears of the names", async () => {
  const settings = { head: "layers", scores, description: { ...description, decay: 1e4 }, epochs: 50 } as const
  const { dataset, classifier } = await Effect.runPromise(trainOn(corpus(3), settings))
  expect(dataset.classes).toEqual(["dog", "engine", "gun"])
  const odds = (vector: Float32Array) => {
    const [dog, , gun] = predict(classifier, vector)
    return Math.log(dog! / gun!)
  }
  const [first, ...others] = dataset.samples.map(({ vector }) => vector)
  const heard = (vector: Float32Array) => (logitOf(vector, 3) - logitOf(vector, 7)) * description.prior!
  for (const vector of others) expect(odds(vector) - odds(first!)).toBeCloseTo(heard(vector) - heard(first!), 1)
})

test("where no class is named by a sound, training says so; where one is, it does not", async () => {
  const notesOf = async (sounds: NonNullable<ScoreLayer["sounds"]>, head: "layers" | "audioset") =>
    (await Effect.runPromise(trainOn(tapped(corpus(3)), { head, scores: { ...scores, sounds }, epochs: 3 }))).classifier
      .notes
  expect((await notesOf({ owl: [1] }, "layers")).join()).toContain("No class is named by a sound")
  expect((await notesOf({ gun: [1] }, "layers")).join()).not.toContain("named")
  expect((await notesOf({ owl: [1] }, "audioset")).join()).not.toContain("named")
})
