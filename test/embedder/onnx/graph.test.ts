import { expect, test } from "bun:test"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { ElementType, Graph } from "../../../src/embedder/onnx/graph.ts"

test("onnxruntime runs a graph with constants, attributes and a symbolic extent", async () => {
  const graph = new Graph("affine")
  const x = graph.input("x", ["n", 2])
  const weights = graph.floats([1, 2, 3, 4], [2, 2])
  graph.op("Gemm", [x, weights], { transB: 1, alpha: { float: 0.5 } }, "y")
  graph.output("y", ["n", 2])
  const session = await InferenceSession.create(graph.model())
  const { y } = await session.run({ x: new Tensor("float32", [1, 1, 2, 0, 0, 2], [3, 2]) })
  expect(Array.from(y!.data as Float32Array)).toEqual([1.5, 3.5, 1, 3, 2, 4])
})

test("a Loop body sees the outer graph's constants and carries its state", async () => {
  const graph = new Graph("powers")
  const two = graph.scalar(2)
  const body = new Graph("body")
  body.input("iteration", [], ElementType.int64)
  body.input("condition", [], ElementType.bool)
  body.input("before", [])
  body.op("Identity", ["condition"], {}, "again")
  body.op("Mul", ["before", two], {}, "after")
  body.output("again", [], ElementType.bool)
  body.output("after", [])
  graph.node("Loop", [graph.integers(10), graph.boolean(true), graph.scalar(1)], ["result"], { body })
  graph.output("result", [])
  const session = await InferenceSession.create(graph.model())
  const { result } = await session.run({})
  expect(Number(result!.data[0])).toBe(1024)
})
