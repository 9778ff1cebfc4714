import { Effect, Schema } from "effect"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { type Dataset, vectorAt } from "../classifier/dataset.ts"
import { type Evaluation, score } from "../classifier/evaluate.ts"
import { EMBEDDING_SIZE } from "../embeddings/recording.ts"
import { versionKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"

/** A version that cannot be loaded. */
export class VersionError extends Schema.TaggedError<VersionError>()("VersionError", {
  runId: Schema.String,
  message: Schema.String
}) {}

const ClassNames = Schema.fromJsonString(Schema.Array(Schema.String))

/**
 * Scores a stored version on rows of a data set, from its own `classifier.onnx`; undefined without rows.
 *
 * A recording of a class that the version does not know counts as wrong, as it would in the field.
 */
export const scoreVersion = Effect.fn("scoreVersion")(function* (
  runId: string,
  dataset: Dataset,
  rows: ReadonlyArray<number>
) {
  if (rows.length === 0) return undefined
  const store = yield* Store
  const read = (file: string) => Effect.map(store.get(versionKey(runId, file)), ({ bytes }) => bytes)
  const known = yield* read("class_names.json").pipe(
    Effect.flatMap((bytes) => Schema.decodeUnknownEffect(ClassNames)(new TextDecoder().decode(bytes)))
  )
  const model = yield* read("classifier.onnx")
  const vectors = new Float32Array(rows.length * EMBEDDING_SIZE)
  rows.forEach((row, at) => {
    vectors.set(vectorAt(dataset.vectors, row), at * EMBEDDING_SIZE)
  })
  const probabilities = yield* Effect.tryPromise({
    try: () => runClassifier(model, vectors),
    catch: (cause) => new VersionError({ runId, message: `The model of ${runId} cannot be run: ${cause}` })
  })
  const classes = [...new Set([...dataset.classes, ...known])]
  return score(
    classes,
    rows.map((row) => ({ key: dataset.samples[row]!.key, label: dataset.labels[row]! })),
    reorder(probabilities, known, classes)
  ) satisfies Evaluation | undefined
})

const runClassifier = async (model: Uint8Array, vectors: Float32Array): Promise<Float32Array> => {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const input = new Tensor("float32", vectors, [vectors.length / EMBEDDING_SIZE, EMBEDDING_SIZE])
  const outputs = await session.run({ [session.inputNames[0]!]: input })
  const probabilities = (outputs[session.outputNames[0]!]!.data as Float32Array).slice()
  await session.release()
  return probabilities
}

/** Probabilities [n * from] to [n * to]: classes that were not known get none. */
const reorder = (probabilities: Float32Array, from: ReadonlyArray<string>, to: ReadonlyArray<string>): Float32Array => {
  const count = probabilities.length / from.length
  const reordered = new Float32Array(count * to.length)
  from.forEach((name, column) => {
    const target = to.indexOf(name)
    for (let row = 0; row < count; row++)
      reordered[row * to.length + target] = probabilities[row * from.length + column]!
  })
  return reordered
}
