import { resolve } from "node:path"
import { Effect, Layer, Option } from "effect"
import { Settings } from "../config.ts"
import { engineLayer } from "../embedder/choose.ts"
import { findWeights, type YamnetWeights } from "../embedder/yamnet/weights.ts"
import { Embeddings } from "../embeddings/embeddings.ts"
import { Store } from "../store/store.ts"

/** YAMNet's weights as the settings name them, kept in the project's `models/yamnet`. */
export const settledWeights = Effect.fn("settledWeights")(function* (options: { readonly allowUntrained: boolean }) {
  const { yamnetModel } = yield* Settings
  return yield* findWeights({
    folder: resolve(import.meta.dir, "../../models/yamnet"),
    ...Option.match(yamnetModel, { onNone: () => ({}), onSome: (location) => ({ location }) }),
    ...options
  })
})

/** What a run works with: the store, its embeddings, and an engine. */
export const runServices = (
  store: Store["Service"],
  weights: YamnetWeights,
  { engine, precision }: Pick<Settings["Service"], "engine" | "precision">
) =>
  Layer.merge(Embeddings.layer, engineLayer({ engine, precision, weights })).pipe(
    Layer.provideMerge(Layer.succeed(Store, store))
  )
