import { expect, test } from "bun:test"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { epochGraph, stateOf } from "../../../src/classifier/train/epoch.ts"
import { differences, toDouble } from "../../support/classifierReference.ts"
import { relativeDistance, SMALL, smallPass, smallProblem } from "../../support/problems.ts"

test.each(["mlp", "linear", "mixed"] as const)("the %s graph's gradients are those of its loss", async (head) => {
  const problem = smallProblem(SMALL[head], 12, 3)
  const pass = smallPass(problem, 12, 4)
  const session = await InferenceSession.create(epochGraph(problem.network), { logSeverityLevel: 3 })
  const floats = (values: ArrayLike<number>, shape: ReadonlyArray<number>) =>
    new Tensor("float32", Float32Array.from(values), shape)
  const integers = (values: Uint32Array | Int32Array) =>
    new Tensor("int64", BigInt64Array.from(values, BigInt), [values.length])
  const results = await session.run({
    embeddings: floats(problem.training.embeddings, [12, 6]),
    labels: integers(problem.training.labels),
    sample_weights: floats(problem.sampleWeights, [12]),
    order: integers(pass.order),
    borders: integers(pass.borders),
    ...(head === "linear" ? {} : { kept: new Tensor("uint8", pass.kept, [12, pass.kept.length / 12]) }),
    ...(pass.mixed === undefined
      ? {}
      : { partners: integers(pass.mixed.partners), shares: floats(pass.mixed.shares, [12, 1]) }),
    learning_rate: floats([pass.learningRate], []),
    first_step: floats([1], []),
    ...Object.fromEntries(
      stateOf(problem.network).map(({ name, shape }) => {
        const size = shape.reduce((product: number, extent) => product * extent, 1)
        return [
          name,
          floats(Object.entries(problem.initial).find(([own]) => own === name)?.[1] ?? new Float32Array(size), shape)
        ]
      })
    )
  })
  const expected = Object.entries(differences(problem, pass, 0, toDouble(problem.initial)))
  expect(expected.map(([name]) => name)).toContain("kernel0")
  for (const [name, gradient] of expected) {
    // After one step from nothing, Adam's first moment is the gradient itself.
    const actual = results[`next_first_${name}`]!.data as Float32Array
    expect(gradient.some((slope) => Math.abs(slope) > 1e-4)).toBe(true)
    expect(relativeDistance(actual, gradient), name).toBeLessThan(1e-5)
  }
  await session.release()
})
