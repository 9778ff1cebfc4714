import type { Graph } from "../../embedder/onnx/graph.ts"

/** As in Keras. */
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const

// The moments are kept as decaying sums, m / (1 - beta1) and v / (1 - beta2): two products less for every weight, and
// Adam is half of a step's work. `addAdamRate` and epsilon make up for it, so that Keras' formula stands:
// w -= rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).
const MOMENT_SCALE = (1 - ADAM.beta1) / Math.sqrt(1 - ADAM.beta2)
const EPSILON = ADAM.epsilon / Math.sqrt(1 - ADAM.beta2)

/** The factor of Adam's step number `step` (a scalar, from 1) at a learning rate, for `addAdam`. */
export const addAdamRate = (graph: Graph, outer: Graph, learningRate: string, step: string): string => {
  const one = outer.scalar(1)
  const remaining = (beta: number) => graph.op("Sub", [one, graph.op("Pow", [outer.scalar(beta), step])])
  const correction = graph.op("Div", [graph.op("Sqrt", [remaining(ADAM.beta2)]), remaining(ADAM.beta1)])
  return graph.op("Mul", [graph.op("Mul", [learningRate, correction]), outer.scalar(MOMENT_SCALE)])
}

/** One weight's update: names of the new value and of the two new moments. */
export const addAdam = (
  graph: Graph,
  outer: Graph,
  before: { readonly value: string; readonly first: string; readonly second: string },
  gradient: string,
  rate: string
) => {
  const op = (type: string, ...inputs: ReadonlyArray<string>) => graph.op(type, inputs)
  const first = op("Add", op("Mul", before.first, outer.scalar(ADAM.beta1)), gradient)
  const second = op("Add", op("Mul", before.second, outer.scalar(ADAM.beta2)), op("Mul", gradient, gradient))
  const direction = op("Div", first, op("Add", op("Sqrt", second), outer.scalar(EPSILON)))
  return { value: op("Sub", before.value, op("Mul", direction, rate)), first, second }
}
