import { Effect, Schema } from "effect"
import { programPath } from "../processes/programPath.ts"
import { startWorker } from "../processes/startWorker.ts"
import { seededRandom, shuffled } from "../sound/random.ts"
import { type Dataset, embeddingsOf } from "./dataset.ts"
import { nearestNeighbours } from "./neighbours/nearest.ts"
import type { Neighbourhoods } from "./umapWorker.ts"

const PROGRAM = programPath("./umapWorker.ts", import.meta.url)

/** Recordings on a plane: those that sound alike lie together. */
export const DataMap = Schema.Struct({
  /** How embeddings became two numbers; `pca` where there are too few recordings for UMAP. */
  method: Schema.Literals(["umap", "pca"]),
  /** Recordings in all; where they are more than the points, the points were drawn from them by a seed. */
  recordings: Schema.Int,
  /** Coordinates are 0 to 1. */
  points: Schema.Array(
    Schema.Struct({ key: Schema.String, className: Schema.String, x: Schema.Finite, y: Schema.Finite })
  )
})
export type DataMap = typeof DataMap.Type

/** Recordings on a map, at most: a run waits for it. */
const MOST_POINTS = 2_000
/** Fewer recordings have no neighbourhoods to lay out. */
const LEAST_FOR_UMAP = 16
/** Neighbours of each point, itself included: UMAP's own default. */
const NEIGHBOURS = 15

/**
 * Lays out a data set's originals on a plane: UMAP of their exact nearest neighbours by cosine, or the two main
 * directions where there are fewer than 16. The same data give the same map. UMAP runs in a Worker, so that training goes
 * on beside it.
 */
export const mapRecordings = Effect.fn("mapRecordings")(function* (dataset: Pick<Dataset, "vectors" | "samples">) {
  const originals = dataset.samples.flatMap(({ variant }, row) => (variant === "original" ? [row] : []))
  const rows = [...shuffled(originals.length, seededRandom(0)).subarray(0, MOST_POINTS)]
    .map((at) => originals[at]!)
    .sort((a, b) => a - b)
  const { width, values } = embeddingsOf(dataset, rows)
  const isSmall = rows.length < LEAST_FOR_UMAP
  const places = isSmall ? mainDirections(values, width) : yield* layOut(values, width)
  const [x, y] = [0, 1].map((axis) => scaled(places.map((place) => place[axis]!)))
  return {
    method: isSmall ? "pca" : "umap",
    recordings: originals.length,
    points: rows.map((row, at) => {
      const { key, className } = dataset.samples[row]!
      return { key, className, x: x![at]!, y: y![at]! }
    })
  } satisfies DataMap
})

const layOut = Effect.fnUntraced(
  function* (vectors: Float32Array, width: number) {
    const others = NEIGHBOURS - 1
    const { indices, similarities } = yield* nearestNeighbours(vectors, width, others)
    const rows = Array.from({ length: vectors.length / width }, (_, row) => row)
    const own = <A>(values: Int32Array | Float32Array, row: number, of: (value: number) => A) =>
      Array.from(values.subarray(row * others, (row + 1) * others), of)
    const { ask } = yield* startWorker<Neighbourhoods, ReadonlyArray<ReadonlyArray<number>>>(PROGRAM)
    return yield* ask({
      indices: rows.map((row) => [row, ...own(indices, row, (index) => index)]),
      distances: rows.map((row) => [0, ...own(similarities, row, (similarity) => Math.max(0, 1 - similarity))])
    })
  },
  Effect.scoped,
  Effect.catch(({ message }) => Effect.die(new Error(`What lays the map out crashed: ${message}`)))
)

/** Scores of a few rows of `width` values on their two main directions, by power iteration on their inner products. */
export const mainDirections = (vectors: Float32Array, width: number): ReadonlyArray<readonly [number, number]> => {
  const count = vectors.length / width
  const mean = new Float64Array(width)
  for (let i = 0; i < vectors.length; i++) mean[i % width]! += vectors[i]! / count
  const products = Array.from({ length: count }, (_, a) =>
    Float64Array.from({ length: count }, (_, b) => {
      let sum = 0
      for (let i = 0; i < width; i++) {
        sum += (vectors[a * width + i]! - mean[i]!) * (vectors[b * width + i]! - mean[i]!)
      }
      return sum
    })
  )
  const directions = [0, 1].map(() => {
    let own = Float64Array.from({ length: count }, (_, at) => Math.sin(at + 1))
    let size = 0
    for (let step = 0; step < 300; step++) {
      const next = Float64Array.from(products, (row) => row.reduce((sum, value, at) => sum + value * own[at]!, 0))
      size = Math.hypot(...next)
      if (size < 1e-12) return new Float64Array(count)
      own = next.map((value) => value / size)
    }
    for (const [a, row] of products.entries()) for (let b = 0; b < count; b++) row[b]! -= size * own[a]! * own[b]!
    return own.map((value) => value * Math.sqrt(size))
  })
  return Array.from({ length: count }, (_, at) => [directions[0]![at]!, directions[1]![at]!] as const)
}

/** Values from 0 to 1, to four digits: a map is looked at. Where all are equal, in the middle. */
const scaled = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  return values.map((value) => (high - low < 1e-9 ? 0.5 : Number(((value - low) / (high - low)).toFixed(4))))
}
