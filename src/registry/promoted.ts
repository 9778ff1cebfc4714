import { Cause, Effect, Option, Schema } from "effect"
import { Tensor } from "onnxruntime-node"
import { type Classifier, predict } from "../classifier/classifier.ts"
import { comparePredictions } from "../classifier/compare.ts"
import { type Dataset, vectorsOf } from "../classifier/dataset.ts"
import { openSession } from "../embedder/onnx/session.ts"
import { embedderOf, type StoredRecipe } from "../embeddings/recipe.ts"
import { decodeDocument } from "../store/documents.ts"
import { versionKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import type { Incumbent } from "./gate.ts"
import type { Promoted } from "./pointer.ts"

const ClassNames = Schema.Array(Schema.String)
const Metadata = Schema.Struct({
  recipe: Schema.Struct({ id: Schema.String, parts: Schema.Record(Schema.String, Schema.Json) })
})

/**
 * Compares a candidate with the promoted version, from that version's own `classifier.onnx`, on rows of a data set.
 *
 * A recording of a class that a model does not know counts as wrong for it, as it would in the field. A promoted version
 * that cannot be read or run, or that another embedder's vectors were made for, leaves the two incomparable; only that the
 * store does not answer is an error.
 */
export const compareWithPromoted = Effect.fn("compareWithPromoted")(function* (
  promoted: Option.Option<Promoted>,
  candidate: Classifier,
  dataset: Dataset,
  recipe: StoredRecipe,
  rows: ReadonlyArray<number>
) {
  if (Option.isNone(promoted)) return { kind: "none" } satisfies Incumbent
  const { runId } = promoted.value
  if (rows.length === 0) {
    return incomparable("no recording is held out, so nothing shows that it is not worse")
  }
  const vectors = vectorsOf(dataset, rows)
  return yield* predictVersion(runId, recipe, vectors, rows.length).pipe(
    Effect.map(({ known, predicted }): Incumbent => {
      const classes = [...new Set([...dataset.classes, ...known])]
      const own = highest(predict(candidate, vectors), rows.length).map((at) => classes.indexOf(candidate.classes[at]!))
      const others = predicted.map((at) => classes.indexOf(known[at]!))
      const labels = rows.map((row) => dataset.labels[row]!)
      const groups = rows.map((row) => dataset.samples[row]!.group)
      return { kind: "compared", runId, comparison: comparePredictions(classes, labels, own, others, groups) }
    }),
    Effect.catchIf(
      (error) => error._tag !== "StoreError" || error.reason === "missing",
      (error) =>
        Effect.succeed(incomparable(`${runId} is promoted, but cannot be tested (${error.message.replace(/\.$/, "")})`))
    )
  )
})

const incomparable = (why: string): Incumbent => ({ kind: "incomparable", why })

/** The classes that a stored version knows, and which of them it predicts for each of these vectors. */
const predictVersion = Effect.fnUntraced(function* (
  runId: string,
  recipe: StoredRecipe,
  vectors: Float32Array,
  rows: number
) {
  const store = yield* Store
  const read = (file: string) => Effect.map(store.get(versionKey(runId, file)), ({ bytes }) => bytes)
  const metadata = yield* decodeDocument("model_metadata.json", Metadata, yield* read("model_metadata.json"))
  const [its, ours] = [embedderOf(metadata.recipe).id, embedderOf(recipe).id]
  // Vectors of two embedders may have one size, and mean different things.
  if (its !== ours) {
    const why = `it takes vectors of ${its}, not of ${ours}: bun run models promote takes the new one all the same`
    return yield* new Cause.UnknownError(undefined, why)
  }
  const known = yield* decodeDocument("class_names.json", ClassNames, yield* read("class_names.json"))
  const model = yield* read("classifier.onnx")
  const session = yield* openSession(model, 1, (cause) => new Cause.UnknownError(cause, "its model cannot be read"))
  const input = new Tensor("float32", vectors, [rows, vectors.length / rows])
  const outputs = yield* Effect.tryPromise({
    try: () => session.run({ [session.inputNames[0]!]: input }),
    catch: (cause) => new Cause.UnknownError(cause, "its model cannot be run")
  })
  const probabilities = outputs[session.outputNames[0]!]!.data as Float32Array
  return { known, predicted: highest(probabilities, rows) }
}, Effect.scoped)

/** The place of each row's highest probability. */
const highest = (probabilities: Float32Array, rows: number): Array<number> => {
  const classes = probabilities.length / rows
  return Array.from({ length: rows }, (_, row) => {
    const own = probabilities.subarray(row * classes, (row + 1) * classes)
    return own.indexOf(Math.max(...own))
  })
}
