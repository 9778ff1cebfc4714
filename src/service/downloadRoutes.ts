import { Effect, Option, Schema } from "effect"
import { Elysia } from "elysia"
import { isRunId } from "../registry/runRecord.ts"
import { classOf, fileName, groupOf, versionKey } from "../store/keys.ts"
import { Store } from "../store/store.ts"
import { ClipFilter, matching } from "./clipQuery.ts"
import { Corpus } from "./corpus.ts"
import type { Handle } from "./handle.ts"
import { sendObject } from "./range.ts"
import { refuse } from "./refusal.ts"
import { sendTable } from "./sendTable.ts"
import { Binary, input, streams } from "./stated.ts"

const recordingsAsCsv = Effect.fnUntraced(function* (filter: ClipFilter) {
  const { objects } = yield* (yield* Corpus).snapshot
  const head = ["key", "class", "name", "source", "bytes"]
  return yield* sendTable("recordings.csv", head, matching(objects, filter), ({ key, size }) => [
    key,
    classOf(key) ?? "",
    fileName(key),
    groupOf(key),
    size
  ])
})

/** The files of a version that are for others to use, and their media types. */
const MODEL_FILES: Readonly<Record<string, string>> = {
  "yamnet_classifier.keras": "application/zip",
  "classifier.onnx": "application/octet-stream",
  "ecosight.onnx": "application/octet-stream",
  "ecosight.tflite": "application/octet-stream",
  "ecosight_int8.tflite": "application/octet-stream",
  "certificate.json": "application/json",
  "class_names.json": "application/json",
  "class_names.pkl": "application/octet-stream",
  "model_metadata.json": "application/json",
  "performance_metrics.json": "application/json",
  "training_set.json": "application/json"
}

const modelFile = Effect.fnUntraced(function* (request: Request, id: string, file: string) {
  const type = Object.hasOwn(MODEL_FILES, file) ? MODEL_FILES[file]! : undefined
  if (type === undefined || !isRunId(id)) return yield* missing
  const store = yield* Store
  const key = versionKey(id, file)
  const found = yield* store.find(key)
  if (Option.isNone(found)) return yield* missing
  const response = yield* sendObject(found.value, type, request)
  response.headers.set("content-disposition", `attachment; filename="${file}"`)
  return response
})

const missing = refuse(404, "There is no such file of a version of the model.")

/** What people take away as files: the list of the recordings, and a version of the model. */
export const downloadRoutes = (handle: Handle) =>
  new Elysia({ name: "downloads" })
    .get("/clips/list.csv", ({ request, query }) => handle(request, recordingsAsCsv(query)), {
      query: input(ClipFilter, "class and search must be one text each, search of at most 200 characters."),
      detail: {
        summary: "The recordings as a table for spreadsheets",
        tags: ["Training data"],
        responses: streams(
          "text/csv",
          "A line for each recording: key, class, name, source, bytes",
          Schema.String,
          401,
          422
        )
      }
    })
    .get(
      "/models/:id/files/:file",
      ({ request, params }) => handle(request, modelFile(request, params.id, params.file)),
      {
        detail: {
          summary:
            "A file of a version: yamnet_classifier.keras, classifier.onnx, ecosight.onnx, ecosight.tflite, class_names.json, …",
          tags: ["Models"],
          responses: streams("application/octet-stream", "The file's own bytes", Binary, 401, 404)
        }
      }
    )
