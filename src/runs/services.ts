import { join, resolve } from "node:path"
import { Effect, Layer } from "effect"
import { SettingError, Settings } from "../config/settings.ts"
import { engineLayer } from "../embedder/choose.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { EMBEDDERS } from "../embedder/embedders.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { Scans } from "../embeddings/scans/scans.ts"
import { Store } from "../store/store.ts"

const settled = Effect.gen(function* () {
  const { embedder } = yield* Settings
  const found = EMBEDDERS[embedder]
  if (found !== undefined) return found
  const message = `EMBEDDER is "${embedder}", but must be ${Object.keys(EMBEDDERS).join(" or ")}.`
  return yield* new SettingError({ setting: "EMBEDDER", message })
})

/** What the embedder that the settings name hears with: it needs no weights. */
export const settledFrontEnd = Effect.map(settled, ({ frontEnd }) => frontEnd)

/** Whether this is not a checkout but a package, which is read-only or replaced as a whole. */
const isPackaged = /\/(\$bunfs|node_modules)\//.test(import.meta.dir)

/** The embedder that the settings name; its weights are kept in the checkout's `models/<id>`, a package's in MODEL_CACHE. */
export const settledEmbedder = Effect.fn("settledEmbedder")(function* (options: { readonly allowUntrained: boolean }) {
  const { frontEnd, find } = yield* settled
  const { modelCache } = yield* Settings
  const folder = isPackaged ? modelCache : resolve(import.meta.dir, "../../models")
  return yield* find({ folder: join(folder, frontEnd.id), ...options })
})

/** What a run works with: the store, its embeddings and scans, and an engine. */
export const runServices = (
  store: Store["Service"],
  embedder: Embedder,
  { engine, precision }: Pick<Settings["Service"], "engine" | "precision">
) =>
  Layer.mergeAll(Embeddings.layer, Scans.layer, engineLayer({ engine, precision, embedder })).pipe(
    Layer.provideMerge(Layer.succeed(Store, store))
  )
