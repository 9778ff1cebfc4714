import { Effect, Schema } from "effect"
import { parquetReadObjects } from "hyparquet"
import { ByteWriter, parquetWrite } from "hyparquet-writer"
import { placeOf, rowSize, select, type Vectors } from "../../embedder/frontEnd.ts"
import { type CodedVectors, codeVectors } from "../../embeddings/scans/coding.ts"
import { BLOB, compressorsAt, decompressors } from "../../embeddings/zstd.ts"
import { bytesOf } from "../../sound/floats.ts"
import { backgroundOf } from "../../store/className.ts"
import type { Dataset } from "../dataset.ts"
import { REGRESSION } from "../heads/head.ts"
import { weightsOf } from "../train/sampleWeights.ts"
import { drawEvenly } from "./drawEvenly.ts"

/** A version's `field_windows.parquet`: absent where its classifier of windows sees no layer but the last. */
export const KEPT_WINDOWS_FILE = "field_windows.parquet"

/**
 * Windows that a classifier was trained on, as many as it takes to learn a site's sound without forgetting what events are
 * like: of the vectors that a site is learnt by, coded as a scan stores them, with what the classifier made of them.
 */
export interface KeptWindows {
  readonly classes: ReadonlyArray<string>
  /** The vectors that `windows` has, in order. */
  readonly vectors: Vectors
  readonly windows: CodedVectors
  /** The place of each window's class. */
  readonly labels: Uint8Array
  /** What each counts for: classes the same, and sources of a class. */
  readonly weights: Float32Array
  /** The classifier's probabilities [count * classes]. */
  readonly probabilities: Float32Array
}

/** Windows kept at most: of more, what a site teaches is worth no more (docs/decisions/field.md). */
const MOST = 8000
/** Windows scored at once. */
const AT_ONCE = 1024

/** Those of a row's vectors that a site is learnt by: of earlier layers, in which a sound is most itself. */
export const vectorsOfSites = (vectors: Vectors): Vectors => select(vectors, ["layer8max", "layer4max"])

/** The columns of some of the vectors of coded rows, in the rows' order. */
export const columnsOf = ({ count, codes, ranges }: CodedVectors, vectors: Vectors, chosen: Vectors): CodedVectors => {
  const names = Object.keys(vectors)
  const places = names.flatMap((name, place) => (name in chosen ? [place] : []))
  const own = new Float32Array(2 * places.length * count)
  for (let window = 0; window < count; window++) {
    for (const [at, place] of places.entries()) {
      const from = 2 * (window * names.length + place)
      own.set(ranges.subarray(from, from + 2), 2 * (window * places.length + at))
    }
  }
  const columns = new Uint8Array(count * rowSize({ vectors: chosen }))
  let end = 0
  for (const name of Object.keys(chosen)) {
    const { from, to } = placeOf(vectors, name)
    columns.set(codes.subarray(from * count, to * count), end)
    end += (to - from) * count
  }
  return { count, codes: columns, ranges: own }
}

/** Of the windows that trained a classifier those to keep, evenly drawn; undefined where no site can be learnt by them. */
export const keepWindows = Effect.fn("keepWindows")(function* <E, R>(
  { classes, samples, labels, vectors, width }: Dataset,
  score: (windows: CodedVectors) => Effect.Effect<Float32Array, E, R>
) {
  const own = vectorsOfSites(vectors)
  if (Object.keys(own).length === 0 || backgroundOf(classes) === undefined) return undefined
  const rows = drawEvenly([...samples.keys()], samples.length, MOST)
  const flat = new Float32Array(rows.length * width)
  for (const [at, row] of rows.entries()) flat.set(samples[row]!.vector, at * width)
  const sizes = Object.values(vectors)
  const probabilities = new Float32Array(rows.length * classes.length)
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const coded = codeVectors(flat.subarray(from * width, (from + AT_ONCE) * width), sizes)
    probabilities.set(yield* score(coded), from * classes.length)
  }
  return {
    classes,
    vectors: own,
    windows: columnsOf(codeVectors(flat, sizes), vectors, own),
    labels: Uint8Array.from(rows, (row) => labels[row]!),
    weights: weightsOf(
      rows.map((row) => ({ ...samples[row]!, label: labels[row]! })),
      { ...REGRESSION, sources: "same" }
    ),
    probabilities
  } satisfies KeptWindows
})

const ZSTD_LEVEL = 3

/** One row: the windows' codes [size * count], as in a part of a scan, and what belongs to them, little-endian. */
export const encodeKeptWindows = ({ windows, ...kept }: KeptWindows): Uint8Array => {
  const writer = new ByteWriter()
  const text = { type: "STRING", nullable: false } as const
  parquetWrite({
    writer,
    createdBy: "ecosight-retrain",
    compressors: compressorsAt(ZSTD_LEVEL),
    columnData: [
      { ...text, name: "classes", data: [JSON.stringify(kept.classes)] },
      { ...text, name: "vectors", data: [JSON.stringify(kept.vectors)] },
      { name: "count", type: "INT32", nullable: false, data: [windows.count] },
      { ...BLOB, name: "labels", data: [kept.labels] },
      { ...BLOB, name: "weights", data: [bytesOf(kept.weights)] },
      { ...BLOB, name: "probabilities", data: [bytesOf(kept.probabilities)] },
      { ...BLOB, name: "ranges", data: [bytesOf(windows.ranges)] },
      { ...BLOB, name: "codes", data: [bytesOf(windows.codes)] }
    ]
  })
  return new Uint8Array(writer.getBuffer())
}

const Blob = Schema.instanceOf(Uint8Array<ArrayBuffer>)
const Rows = Schema.Tuple([
  Schema.Struct({
    classes: Schema.fromJsonString(Schema.Array(Schema.String)),
    vectors: Schema.optionalKey(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Int))),
    // In place of them where there is one alone, as versions of before have it.
    vector: Schema.optionalKey(Schema.String),
    count: Schema.Int.check(Schema.isGreaterThan(0)),
    labels: Blob,
    weights: Blob,
    probabilities: Blob,
    ranges: Blob,
    codes: Blob
  })
])

/** The file's bytes are none, or not of such windows. */
export class KeptWindowsError extends Schema.TaggedError<KeptWindowsError>()("KeptWindowsError", {
  cause: Schema.Defect()
}) {}

/** What `encodeKeptWindows` wrote. */
export const decodeKeptWindows = Effect.fn("decodeKeptWindows")(function* (bytes: Uint8Array) {
  const [row] = yield* Effect.tryPromise({
    try: (): Promise<unknown> =>
      parquetReadObjects({ file: bytes.slice().buffer, compressors: decompressors, utf8: false }),
    catch: (cause) => cause
  }).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Rows)),
    Effect.mapError((cause) => new KeptWindowsError({ cause }))
  )
  const floats = (blob: Uint8Array) => new Float32Array(blob.slice().buffer)
  const { classes, count, labels, codes } = row
  const vectors = row.vectors ?? (row.vector === undefined ? {} : { [row.vector]: codes.length / count })
  const weights = floats(row.weights)
  const probabilities = floats(row.probabilities)
  const ranges = floats(row.ranges)
  const isWhole =
    Object.keys(vectors).length > 0 &&
    labels.length === count &&
    weights.length === count &&
    probabilities.length === count * classes.length &&
    ranges.length === 2 * count * Object.keys(vectors).length &&
    codes.length === count * rowSize({ vectors })
  if (!isWhole) return yield* new KeptWindowsError({ cause: "Its columns do not belong together." })
  return { classes, vectors, windows: { count, codes, ranges }, labels, weights, probabilities } satisfies KeptWindows
})
