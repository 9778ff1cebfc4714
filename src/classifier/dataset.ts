import { Effect, Schema } from "effect"
import { firstOf, placeOf, type Vectors } from "../embedder/frontEnd.ts"
import { allFinite } from "../sound/floats.ts"

/** One variant of a recording, embedded. */
export interface Sample {
  /** The recording's key. */
  readonly key: string
  readonly className: string
  /** The source that the recording was cut from: a split keeps it on one side. */
  readonly group: string
  /** `original`, or the augmentation that made it. */
  readonly variant: string
  /** The clip's row: the mean over its patches, by energy in an original, plain in others. */
  readonly vector: Float32Array
}

/** Samples and their labels. The vectors are not copied: they are most of what a training holds. */
export interface Dataset {
  /** What lies side by side in each sample's row, and how many values each has. */
  readonly vectors: Vectors
  /** Values in a row. */
  readonly width: number
  /** In alphabetical order; a sample's label is its class's place in it. */
  readonly classes: ReadonlyArray<string>
  readonly samples: ReadonlyArray<Sample>
  readonly labels: Int32Array
}

/** Samples that no classifier can be trained from. */
export class DatasetError extends Schema.TaggedError<DatasetError>()("DatasetError", {
  message: Schema.String
}) {}

/**
 * Collects samples, whose rows have these vectors (one, unless said); fails on fewer than two classes and on a row that is
 * not finite numbers, as many as in the first.
 */
export const makeDataset = Effect.fn("makeDataset")(function* (samples: ReadonlyArray<Sample>, vectors?: Vectors) {
  const classes = [...new Set(samples.map(({ className }) => className))].sort()
  if (classes.length < 2) {
    const found = classes.length === 0 ? "there are none" : `there is only "${classes[0]}"`
    return yield* new DatasetError({ message: `A classifier needs recordings of at least two classes, but ${found}.` })
  }
  const width = samples[0]!.vector.length
  const unusable = samples.find(({ vector }) => vector.length !== width || !allFinite(vector))
  if (unusable !== undefined) {
    const which = `${unusable.variant} of ${unusable.key}`
    return yield* new DatasetError({ message: `The embedding (${which}) is not ${width} finite numbers.` })
  }
  const place = new Map(classes.map((name, label) => [name, label]))
  const labels = Int32Array.from(samples, ({ className }) => place.get(className)!)
  return { vectors: vectors ?? { embedding: width }, width, classes, samples, labels } satisfies Dataset
})

/** Some samples' rows one after another, copied: [rows * width]. */
export const vectorsOf = (
  { width, samples }: Pick<Dataset, "width" | "samples">,
  rows: ReadonlyArray<number>
): Float32Array => {
  const chosen = new Float32Array(rows.length * width)
  for (const [at, row] of rows.entries()) chosen.set(samples[row]!.vector, at * width)
  return chosen
}

const views = new WeakMap<Float32Array, Map<string, Float32Array>>()

/** One of a row's vectors: the same view each time, for what is computed of a vector may be kept by it. */
export const vectorIn = (vectors: Vectors, row: Float32Array, name: string): Float32Array => {
  const { from, to } = placeOf(vectors, name)
  if (from === 0 && to === row.length) return row
  const own = views.get(row) ?? new Map<string, Float32Array>()
  views.set(row, own)
  const view = own.get(name) ?? row.subarray(from, to)
  own.set(name, view)
  return view
}

/** Some of the vectors in some samples' rows, copied: rows of these alone, in their order. */
export const someOf = (
  { vectors, samples }: Pick<Dataset, "vectors" | "samples">,
  rows: ReadonlyArray<number>,
  names: ReadonlyArray<string>
): Float32Array => {
  const places = names.map((name) => placeOf(vectors, name))
  const width = places.reduce((sum, { from, to }) => sum + to - from, 0)
  const values = new Float32Array(rows.length * width)
  for (const [at, row] of rows.entries()) {
    let next = at * width
    for (const { from, to } of places) {
      values.set(samples[row]!.vector.subarray(from, to), next)
      next += to - from
    }
  }
  return values
}

/** Some samples' embeddings alone, by which recordings are compared, copied, and how many values each has. */
export const embeddingsOf = (
  dataset: Pick<Dataset, "vectors" | "samples">,
  rows: ReadonlyArray<number>
): { readonly width: number; readonly values: Float32Array } => {
  const name = firstOf(dataset.vectors)
  return { width: dataset.vectors[name]!, values: someOf(dataset, rows, [name]) }
}
