import { join, resolve } from "node:path"
import { Effect, Layer, Option, Schema } from "effect"
import { SettingError, Settings } from "../config/settings.ts"
import { engineLayer } from "../embedder/choose.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { EMBEDDERS } from "../embedder/embedders.ts"
import { Description } from "../embedder/file/description.ts"
import { describeFile, frontEndIn, isFile, openEmbedderFile } from "../embedder/file/embedderFile.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { embedderOf } from "../embeddings/recipe.ts"
import { Scans } from "../embeddings/scans/scans.ts"
import { readKeptEmbedder } from "../registry/keptEmbedder.ts"
import { METADATA_FILE, readVersionDocument, VersionRecipe } from "../registry/versionFiles.ts"
import { Store } from "../store/store.ts"
import { Preparers } from "../stream/preparers.ts"

const listed = Effect.fnUntraced(function* (name: string) {
  const found = EMBEDDERS[name]
  if (found !== undefined) return found
  const message = `EMBEDDER is "${name}", but must be ${[...Object.keys(EMBEDDERS), "the path of an .onnx file"].join(" or ")}.`
  return yield* new SettingError({ setting: "EMBEDDER", message })
})

/** What the embedder that the settings name hears with: it needs no weights. */
export const settledFrontEnd = Effect.gen(function* () {
  const { embedder } = yield* Settings
  return isFile(embedder)
    ? frontEndIn(yield* describeFile(embedder))
    : yield* Effect.map(listed(embedder), ({ frontEnd }) => frontEnd)
})

/** Whether this is not a checkout but a package, which is read-only or replaced as a whole. */
const isPackaged = /\/(\$bunfs|node_modules)\//.test(import.meta.dir)

interface WeightsWanted {
  readonly allowUntrained: boolean
  /** Where weights may be downloaded from: an embedder's official addresses unless said. */
  readonly addresses?: ReadonlyArray<string>
}

/**
 * An embedder by its id, whose weights are kept in the checkout's `models/<id>`, a package's in MODEL_CACHE, or by its
 * file.
 */
export const findEmbedder = Effect.fn("findEmbedder")(function* (name: string, options: WeightsWanted) {
  if (isFile(name)) return yield* openEmbedderFile(name)
  const { frontEnd, find } = yield* listed(name)
  const { modelCache } = yield* Settings
  const folder = isPackaged ? modelCache : resolve(import.meta.dir, "../../models")
  return yield* find({ folder: join(folder, frontEnd.id), ...options })
})

/** The embedder that the settings name. */
export const settledEmbedder = Effect.fn("settledEmbedder")(function* (options: WeightsWanted) {
  const { embedder } = yield* Settings
  return yield* findEmbedder(embedder, options)
})

const Metadata = Schema.Struct({ ...VersionRecipe.fields, embedder: Schema.optionalKey(Description) })

/** The embedder that a version was trained with, whatever the settings name: what came in a file is in the store. */
export const embedderOfVersion = Effect.fn("embedderOfVersion")(function* (
  runId: string,
  options: { readonly allowUntrained: boolean }
) {
  const metadata = yield* readVersionDocument(runId, METADATA_FILE, Metadata)
  if (Option.isNone(metadata)) return yield* settledEmbedder(options)
  const { embedder, recipe } = metadata.value
  return embedder === undefined
    ? yield* findEmbedder(embedderOf(recipe).id, options)
    : yield* readKeptEmbedder(embedder)
})

/** What a run works with but for the engine: the store, its embeddings and scans, and workers. */
export const storeServices = (store: Store["Service"], { preparers }: Pick<Settings["Service"], "preparers">) =>
  Layer.mergeAll(Embeddings.layer, Scans.layer, Preparers.layer(preparers)).pipe(
    Layer.provideMerge(Layer.succeed(Store, store))
  )

/** What a run works with. */
export const runServices = (
  store: Store["Service"],
  embedder: Embedder,
  settings: Pick<Settings["Service"], "engine" | "precision" | "preparers">
) => Layer.merge(storeServices(store, settings), engineLayer({ ...settings, embedder }))
