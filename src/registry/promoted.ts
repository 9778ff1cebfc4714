import { Cause, Effect, Option, Schema } from "effect"
import { Tensor } from "onnxruntime-common"
import { type Classifier, predict } from "../classifier/classifier.ts"
import { comparePredictions } from "../classifier/compare.ts"
import { type Dataset, someOf, vectorsOf } from "../classifier/dataset.ts"
import { KERAS_TWIN } from "../classifier/export/artifacts.ts"
import { likeliest } from "../classifier/likeliest.ts"
import type { TrainedClassifier } from "../classifier/train/train.ts"
import { embeddingAlone } from "../embedder/frontEnd.ts"
import { openSession } from "../embedder/onnx/session.ts"
import { embedderOf, type StoredRecipe, vectorsOf as vectorsIn } from "../embeddings/recipe.ts"
import { concatenate } from "../sound/floats.ts"
import { decodeDocument } from "../store/documents.ts"
import { versionKey } from "../store/keys.ts"
import type { StoreError } from "../store/store.ts"
import type { Incumbent } from "./gate.ts"
import type { Promoted } from "./pointer.ts"
import { findStored, METADATA_FILE, VersionError, VersionRecipe, versionReader } from "./versionFiles.ts"

const NAMES_FILE = "class_names.json"
const ClassNames = Schema.Array(Schema.String)
/** The rows of the promoted version's own vectors, by key, as far as there are any of these recordings. */
export type Recall = (
  recipe: StoredRecipe,
  keys: ReadonlyArray<string>
) => Effect.Effect<ReadonlyMap<string, Float32Array>, StoreError>

/** A classifier that may be promoted, and the recordings on which it is compared. */
export interface ComparedCandidate {
  readonly classifier: TrainedClassifier
  readonly dataset: Dataset
  /** Of the data set's vectors. */
  readonly recipe: StoredRecipe
  /** The rows of recordings held out. */
  readonly rows: ReadonlyArray<number>
  /** What the promoted model's classes are called now, where that is something else. */
  readonly renamed?: ReadonlyMap<string, string>
  /** Where it may take the place of a model of another embedder: that one's vectors of the same recordings. */
  readonly recall?: Recall | undefined
}

/**
 * Compares a candidate with the promoted version, from that version's own `classifier.onnx`, on rows of a data set; and,
 * where one of the two is a mixture, the classifiers in their `.keras` files with each other, too.
 *
 * A recording of a class that a model does not know counts as wrong for it, as it would in the field; `renamed` tells what
 * the promoted one's classes are called now, where that is something else. A promoted version that cannot be run leaves the
 * two incomparable, and so does one that was made for another embedder's vectors, unless there is `recall`: each then
 * judges by its own vectors of the same recordings. One that is damaged bars no other. Only that the store does not answer is an error.
 */
export const compareWithPromoted = Effect.fn("compareWithPromoted")(function* (
  promoted: Option.Option<Promoted>,
  candidate: ComparedCandidate
) {
  if (Option.isNone(promoted)) return { served: { kind: "none" } satisfies Incumbent }
  const { runId } = promoted.value
  const { classifier, recall, renamed = new Map<string, string>() } = candidate
  if (candidate.rows.length === 0) {
    return { served: incomparable("no recording is held out, so nothing shows that it is not worse") }
  }
  const stored = yield* findStored(runId)
  const read = yield* versionReader(stored)
  const compare = (own: Classifier, file: string) =>
    compareModels(runId, own, predictVersion(runId, read, file, candidate), candidate.dataset, renamed)
  const served = yield* compare(classifier, "classifier.onnx")
  const twin = stored.files.has(KERAS_TWIN) ? KERAS_TWIN : undefined
  // Keras' files of two embedders are not for the same callers.
  if (served.kind !== "compared" || recall !== undefined) return { served }
  if (classifier.alone === undefined && twin === undefined) return { served }
  return { served, keras: yield* compare(classifier.alone ?? classifier, twin ?? "classifier.onnx") }
})

const compareModels = (
  runId: string,
  candidate: Classifier,
  promoted: ReturnType<typeof predictVersion>,
  dataset: Dataset,
  renamed: ReadonlyMap<string, string>
) =>
  promoted.pipe(
    Effect.map(({ known: asTrained, predicted, rows }): Incumbent => {
      const known = asTrained.map((name) => renamed.get(name) ?? name)
      const classes = [...new Set([...dataset.classes, ...known])]
      const own = highest(predict(candidate, vectorsOf(dataset, rows)), rows.length).map((at) =>
        classes.indexOf(candidate.classes[at]!)
      )
      const others = predicted.map((at) => classes.indexOf(known[at]!))
      const labels = rows.map((row) => dataset.labels[row]!)
      const groups = rows.map((row) => dataset.samples[row]!.group)
      return { kind: "compared", runId, comparison: comparePredictions(classes, labels, own, others, groups) }
    }),
    Effect.catchTags({
      VersionError: () => Effect.succeed<Incumbent>({ kind: "damaged", runId }),
      UnknownError: ({ message }) =>
        Effect.succeed(incomparable(`${runId} is promoted, but cannot be tested (${message})`))
    })
  )

const incomparable = (why: string): Incumbent => ({ kind: "incomparable", why })

/** The classes that a stored version knows, and which of them it predicts for each of the rows that it has vectors of. */
const predictVersion = Effect.fnUntraced(function* (
  runId: string,
  read: Effect.Success<ReturnType<typeof versionReader>>,
  file: string,
  { recipe, dataset, rows: given, recall }: ComparedCandidate
) {
  const readAs = Effect.fnUntraced(function* <A>(name: string, schema: Schema.ConstraintDecoder<A>) {
    const bytes = yield* orDamaged(runId, read(name))
    return yield* Effect.mapError(decodeDocument(versionKey(runId, name), schema, bytes), () => damaged(runId))
  })
  const { recipe: own } = yield* readAs(METADATA_FILE, VersionRecipe)
  const [its, ours] = [embedderOf(own).id, embedderOf(recipe).id]
  // Vectors of two embedders may have one size, and mean different things.
  const isOther = its !== ours
  if (isOther && recall === undefined) {
    const why =
      `it takes vectors of ${its}, not of ${ours}: bun run models promote takes the new one all the same, and bun run ` +
      "migrate compares them"
    return yield* new Cause.UnknownError(undefined, why)
  }
  const wanted = file === KERAS_TWIN ? embeddingAlone(vectorsIn(own)) : vectorsIn(own)
  const recalled = isOther ? yield* recall!(own, keysOf(dataset, given)) : undefined
  const rows = recalled === undefined ? given : given.filter((row) => recalled.has(dataset.samples[row]!.key))
  if (rows.length === 0) {
    return yield* new Cause.UnknownError(undefined, `no recording that is held out has vectors of ${its}`)
  }
  const lacking = Object.entries(wanted).filter(([name, size]) => !isOther && dataset.vectors[name] !== size)
  if (lacking.length > 0) {
    const names = lacking.map(([name]) => name).join(" and ")
    const why = `it takes ${names}, which the vectors now lack: bun run models promote takes the new one all the same`
    return yield* new Cause.UnknownError(undefined, why)
  }
  const known = yield* readAs(NAMES_FILE, ClassNames)
  const model = yield* orDamaged(runId, read(file))
  const session = yield* openSession(model, 1, () => damaged(runId))
  const values =
    recalled === undefined
      ? someOf(dataset, rows, Object.keys(wanted))
      : concatenate(keysOf(dataset, rows).map((key) => recalled.get(key)!))
  const input = new Tensor("float32", values, [rows.length, values.length / rows.length])
  const outputs = yield* Effect.tryPromise({
    try: () => session.run({ [session.inputNames[0]!]: input }),
    catch: (cause) => new Cause.UnknownError(cause, "its model cannot be run")
  })
  const probabilities = outputs[session.outputNames[0]!]!.data as Float32Array
  return { known, predicted: highest(probabilities, rows.length), rows }
}, Effect.scoped)

const keysOf = ({ samples }: Dataset, rows: ReadonlyArray<number>): ReadonlyArray<string> =>
  rows.map((row) => samples[row]!.key)

const damaged = (runId: string) => new VersionError({ runId, message: `${runId} is damaged.` })

const orDamaged = <A, E, R>(runId: string, found: Effect.Effect<Option.Option<A>, E, R>) =>
  Effect.flatMap(
    found,
    Option.match({ onNone: () => Effect.fail(damaged(runId)), onSome: (value) => Effect.succeed(value) })
  )

/** The place of each row's highest probability. */
const highest = (probabilities: Float32Array, rows: number): Array<number> => {
  const classes = probabilities.length / rows
  return Array.from({ length: rows }, (_, row) => {
    const own = probabilities.subarray(row * classes, (row + 1) * classes)
    return likeliest(own).label
  })
}
