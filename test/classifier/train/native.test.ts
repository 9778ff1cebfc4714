import { expect, test } from "bun:test"
import { Effect } from "effect"
import type { Problem } from "../../../src/classifier/train/backend.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { adamPass, toDouble } from "../../support/classifierReference.ts"
import { relativeDistance, SMALL, smallPass, smallProblem } from "../../support/problems.ts"

const runOnce = (problem: Problem, batchSize: number, firstStep = 1) =>
  Effect.gen(function* () {
    const trainer = yield* nativeBackend.open(problem)
    const score = yield* trainer.run({ ...smallPass(problem, batchSize, 8), firstStep })
    return { score, validation: yield* trainer.validate, weights: yield* trainer.weights }
  }).pipe(Effect.scoped, Effect.runPromise)

test.each([
  ["mlp", 1],
  ["mlp", 98],
  ["mixed", 1],
  ["linear", 1]
] as const)("five steps of %s from step %i are Adam's, to float32's precision", async (head, firstStep) => {
  const problem = smallProblem(SMALL[head], 38, 5)
  const { weights } = await runOnce(problem, 8, firstStep)
  const expected = adamPass(problem, { ...smallPass(problem, 8, 8), firstStep }, toDouble(problem.initial))
  expect(Object.keys(weights)).toEqual(Object.keys(expected))
  for (const [name, values] of Object.entries(weights)) {
    expect(relativeDistance(values, expected[name]!), name).toBeLessThan(2e-5)
  }
})

test("training twice gives the same bits", async () => {
  const problem = smallProblem(SMALL.mlp, 40, 6)
  const [one, two] = [await runOnce(problem, 8), await runOnce(problem, 8)]
  expect(two).toEqual(one)
  expect(one.weights).not.toEqual(problem.initial)
})
