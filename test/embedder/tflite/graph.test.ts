import { describe, expect, test } from "bun:test"
import { unzipSync } from "fflate"
import { ByteBuffer } from "flatbuffers"
import { TfliteGraph } from "../../../src/embedder/tflite/graph.ts"
import { combine, concatenate, outputsFirst, reshape, trim } from "../../../src/embedder/tflite/operators.ts"

const DESCRIPTION = {
  name: "Test",
  description: "A test.",
  version: "1",
  input: { name: "x", description: "Sound.", sampleRate: 16_000 },
  output: { name: "y", description: "Of each class.", classes: ["dog", "gun"] }
}

const sumOfTwo = () => {
  const graph = new TfliteGraph()
  const x = graph.input("x", [1, 2], 1)
  graph.output(combine(graph, "ADD", x, graph.floats([1, 2], [2])))
  return graph
}

describe("a file", () => {
  test("is a TensorFlow Lite model whose labels a zip archive at its end holds, as they are", () => {
    const file = sumOfTwo().model(DESCRIPTION)
    expect(new TextDecoder().decode(file.subarray(4, 8))).toBe("TFL3")
    const labels = file.subarray(Buffer.from(file).indexOf("PK\x03\x04"))
    expect(new TextDecoder().decode(unzipSync(labels)["labels.txt"])).toBe("dog\ngun\n")
    expect(Buffer.from(file).includes("M001")).toBe(true)
  })

  test("has the same bytes each time", () => {
    expect(sumOfTwo().model(DESCRIPTION)).toEqual(sumOfTwo().model(DESCRIPTION))
  })

  test("has the schema's version 3, and constants at multiples of 16", () => {
    const file = sumOfTwo().model(DESCRIPTION)
    const buffer = new ByteBuffer(new Uint8Array(file))
    const root = buffer.readInt32(0)
    expect(buffer.readInt32(root + buffer.__offset(root, 4))).toBe(3)
    const one = Buffer.from(new Uint8Array(Float32Array.of(1, 2).buffer))
    expect(Buffer.from(file).indexOf(one) % 16).toBe(0)
  })
})

describe("shapes", () => {
  test("follow from what goes in", () => {
    const graph = new TfliteGraph()
    const x = graph.input("x", [3, 4, 5])
    expect(trim(graph, x, 1, 0).shape).toEqual([2, 4, 5])
    expect(trim(graph, x, 0, 1).shape).toEqual([2, 4, 5])
    expect(concatenate(graph, [x, x], 1).shape).toEqual([3, 8, 5])
    expect(combine(graph, "MUL", x, graph.floats(new Float32Array(5), [5])).shape).toEqual([3, 4, 5])
  })
})

test("an arena holds at once what is needed at once, and no more", () => {
  const graph = new TfliteGraph()
  let x = graph.input("x", [1, 1024])
  for (let step = 0; step < 5; step++) x = reshape(graph, x, [1, 1024], 1)
  graph.output(x)
  // What goes into a step and what comes out of it.
  expect(graph.arena).toBe(2 * 4 * 1024)
})

test("a kernel is turned from inputs by outputs to outputs by inputs", () => {
  expect([...outputsFirst(Float32Array.of(1, 2, 3, 4, 5, 6), 2)]).toEqual([1, 3, 5, 2, 4, 6])
})
