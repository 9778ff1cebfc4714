import { availableParallelism } from "node:os"
import { Effect, Schema } from "effect"
import { Tensor } from "onnxruntime-common"
import { Graph } from "../../embedder/onnx/graph.ts"
import { openSession } from "../../embedder/onnx/session.ts"

/** Similarities could not be computed. */
export class NeighbourError extends Schema.TaggedError<NeighbourError>()("NeighbourError", {
  message: Schema.String
}) {}

/** The nearest others of some rows, the nearest first. */
export interface Neighbours {
  /** The rows that were asked about. */
  readonly rows: ReadonlyArray<number>
  readonly k: number
  /** [rows * k]; -1 where there are fewer than `k` others. */
  readonly indices: Int32Array
  /** [rows * k]: cosines, -1 to 1. */
  readonly similarities: Float32Array
}

/** Rows of one product: 8 MB of similarities at a time, whatever the number of vectors. */
const BLOCK = { rows: 512, others: 4096 } as const

/**
 * Finds the `k` nearest others of each of `rows` by cosine, exactly, among all vectors [n * width].
 *
 * A blocked matrix product by onnxruntime, searched as it comes; `accepts` says which others count (never the row
 * itself), and of equals the first is the nearer. A vector of zeros is at similarity 0 to every other.
 */
export const nearestNeighbours = Effect.fn("nearestNeighbours")(function* (
  vectors: Float32Array,
  width: number,
  k: number,
  options: {
    readonly rows?: ReadonlyArray<number>
    readonly accepts?: (row: number, other: number) => boolean
  } = {}
) {
  const count = vectors.length / width
  const rows = options.rows ?? Array.from({ length: count }, (_, row) => row)
  const accepts = options.accepts ?? (() => true)
  const indices = new Int32Array(rows.length * k).fill(-1)
  const similarities = new Float32Array(rows.length * k).fill(Number.NEGATIVE_INFINITY)
  const units = unitVectors(vectors, width)
  const session = yield* openProduct(width)
  for (let start = 0; start < rows.length; start += BLOCK.rows) {
    const own = rows.slice(start, start + BLOCK.rows)
    const left = new Float32Array(own.length * width)
    for (const [at, row] of own.entries()) left.set(units.subarray(row * width, (row + 1) * width), at * width)
    const a = new Tensor("float32", left, [own.length, width])
    for (let from = 0; from < count; from += BLOCK.others) {
      const to = Math.min(count, from + BLOCK.others)
      const b = new Tensor("float32", units.subarray(from * width, to * width), [to - from, width])
      const { products } = yield* Effect.tryPromise({ try: () => session.run({ a, b }), catch: failure })
      const block = products!.data as Float32Array
      for (const [at, row] of own.entries()) {
        const place = (start + at) * k
        const line = block.subarray(at * (to - from), (at + 1) * (to - from))
        let least = similarities[place + k - 1]!
        for (let other = 0; other < line.length; other++) {
          const similarity = line[other]!
          if (similarity <= least || from + other === row || !accepts(row, from + other)) continue
          insert(indices, similarities, place, k, from + other, similarity)
          least = similarities[place + k - 1]!
        }
      }
    }
  }
  for (const [at, index] of indices.entries()) if (index < 0) similarities[at] = 0
  return { rows, k, indices, similarities } satisfies Neighbours
}, Effect.scoped)

const insert = (
  indices: Int32Array,
  similarities: Float32Array,
  place: number,
  k: number,
  index: number,
  similarity: number
): void => {
  let at = place + k - 1
  for (; at > place && similarities[at - 1]! < similarity; at--) {
    indices[at] = indices[at - 1]!
    similarities[at] = similarities[at - 1]!
  }
  indices[at] = index
  similarities[at] = similarity
}

const openProduct = (width: number) => {
  const graph = new Graph("cosines")
  const a = graph.input("a", ["rows", width])
  const b = graph.input("b", ["others", width])
  graph.op("Gemm", [a, b], { transB: 1 }, "products")
  graph.output("products", ["rows", "others"])
  return openSession(graph.model(), availableParallelism(), failure)
}

const failure = (cause: unknown) => new NeighbourError({ message: `Similarities cannot be computed: ${cause}` })

/** Rows of `width` values at length 1, copied; rows of zeros stay. */
const unitVectors = (vectors: Float32Array, width: number): Float32Array => {
  const units = vectors.slice()
  for (let start = 0; start < units.length; start += width) {
    const row = units.subarray(start, start + width)
    let squares = 0
    for (let i = 0; i < width; i++) squares += row[i]! * row[i]!
    if (squares === 0) continue
    const scale = 1 / Math.sqrt(squares)
    for (let i = 0; i < width; i++) row[i]! *= scale
  }
  return units
}
