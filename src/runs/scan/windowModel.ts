import { Effect, Option, Schema } from "effect"
import { Tensor } from "onnxruntime-common"
import { FIELD_MODEL } from "../../classifier/export/artifacts.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { openSession } from "../../embedder/onnx/session.ts"
import { embedderOf } from "../../embeddings/recipe.ts"
import { type ScanRecipe, sizesOf } from "../../embeddings/scans/scanRecipe.ts"
import {
  findStored,
  METADATA_FILE,
  readVersionDocument,
  VersionError,
  versionReader
} from "../../registry/versionFiles.ts"
import { decodeDocument } from "../../store/documents.ts"
import { versionKey } from "../../store/keys.ts"

/** Windows that are scored together: always so many, and each always in the same place, so that scores are the same bits. */
export const SCORED_WINDOWS = 128

/** A model that was trained on windows, where a version has one; else its model of clips hears each window as a clip. */
const FILES = [FIELD_MODEL, "classifier.onnx"] as const
const NAMES_FILE = "class_names.json"

const ClassNames = Schema.Array(Schema.String)
const Metadata = Schema.Struct({
  recipe: Schema.Struct({ id: Schema.String, parts: Schema.Record(Schema.String, Schema.Json) })
})

/** A version that scores windows. */
export interface WindowModel {
  readonly runId: string
  readonly classes: ReadonlyArray<string>
  /** Rows [SCORED_WINDOWS * size of a row] to probabilities [SCORED_WINDOWS * classes]. */
  readonly score: (rows: Float32Array) => Effect.Effect<Float32Array, VersionError>
}

/** Opens a version for windows of this recipe; fails where it is none, is damaged or takes another embedder's vectors. */
export const openWindowModel = Effect.fn("openWindowModel")(function* (runId: string, recipe: ScanRecipe) {
  const damaged = (why = "is damaged") => new VersionError({ runId, message: `The version ${runId} ${why}.` })
  const version = yield* findStored(runId)
  if (version.files.size === 0) return yield* damaged("does not exist: bun run models list shows those that do")
  const read = yield* versionReader(version)
  const need = <A, E, R>(found: Effect.Effect<Option.Option<A>, E, R>) =>
    Effect.flatMap(found, (it) => (Option.isSome(it) ? Effect.succeed(it.value) : Effect.fail(damaged())))
  const metadata = yield* need(readVersionDocument(runId, METADATA_FILE, Metadata))
  const own = embedderOf(metadata.recipe)
  const { embedder, weights } = recipe.parts
  if (own.id !== embedder.id || metadata.recipe.parts.weights !== weights) {
    return yield* damaged(`was trained on vectors of another embedder than ${embedder.id} with the present weights`)
  }
  const names = yield* need(read(NAMES_FILE))
  const classes = yield* Effect.mapError(decodeDocument(versionKey(runId, NAMES_FILE), ClassNames, names), () =>
    damaged()
  )
  const file = FILES.find((name) => version.files.has(name)) ?? FILES[1]
  // On one thread: what is added up in which order does not depend on the machine.
  const session = yield* openSession(yield* need(read(file)), 1, () => damaged())
  const size = sizesOf(recipe).reduce((sum, own) => sum + own, 0)
  const inputs = rowSize(own)

  const score = (rows: Float32Array) =>
    Effect.tryPromise({
      try: async () => {
        const input = new Tensor("float32", firstColumns(rows, size, inputs), [SCORED_WINDOWS, inputs])
        const outputs = await session.run({ [session.inputNames[0]!]: input })
        return outputs[session.outputNames[0]!]!.data as Float32Array
      },
      catch: () => damaged("cannot be run on windows")
    })
  return { runId, classes, score } satisfies WindowModel
})

/** Of rows of `size` the first `inputs`: an embedder that has come to give more vectors still gives the old ones first. */
const firstColumns = (rows: Float32Array, size: number, inputs: number): Float32Array => {
  if (inputs === size) return rows
  const taken = new Float32Array((rows.length / size) * inputs)
  for (let row = 0; row * size < rows.length; row++) {
    taken.set(rows.subarray(row * size, row * size + inputs), row * inputs)
  }
  return taken
}
