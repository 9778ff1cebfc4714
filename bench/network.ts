import { availableParallelism } from "node:os"
import { Effect, Layer } from "effect"
import { Settings } from "../src/config/settings.ts"
import { engineLayer } from "../src/embedder/choose.ts"
import type { Embedder } from "../src/embedder/embedder.ts"
import { Engine, EngineError } from "../src/embedder/engine.ts"
import { hasGraphicsCard } from "../src/embedder/webgpu/adapter.ts"
import { settledEmbedder } from "../src/runs/services.ts"
import { seededRandom } from "../src/sound/random.ts"
import { Bench, summarise, timeCalls } from "./measure.ts"

// YAMNet from host memory to host memory, engine by engine.

/** One way to run the network; another engine is another line here. */
interface Executor {
  readonly name: string
  readonly precision?: "int8"
  readonly layer: (embedder: Embedder) => Layer.Layer<Engine, EngineError>
}

const onCard = Layer.unwrap(
  Effect.map(hasGraphicsCard, (found) =>
    found ? Layer.empty : Layer.effectDiscard(new EngineError({ message: "this machine has no graphics card" }))
  )
)

const cores = availableParallelism()

const EXECUTORS: ReadonlyArray<Executor> = [
  { name: "native, 1 thread", layer: (embedder) => engineLayer({ engine: "native", embedder, threads: 1 }) },
  ...(cores > 1
    ? [
        {
          name: `native, ${cores} threads`,
          layer: (embedder: Embedder) => engineLayer({ engine: "native", embedder })
        }
      ]
    : []),
  {
    name: `native in int8, ${cores === 1 ? "1 thread" : `${cores} threads`}`,
    precision: "int8",
    layer: (embedder) => engineLayer({ engine: "native", embedder, precision: "int8" })
  },
  { name: "webgpu", layer: (embedder) => engineLayer({ engine: "webgpu", embedder }).pipe(Layer.provideMerge(onCard)) }
]

const measureEngine = (name: string) =>
  Effect.gen(function* () {
    const { seconds } = yield* Bench
    const { batch, embed, frontEnd } = yield* Engine
    const random = seededRandom(1)
    const patches = Float32Array.from({ length: batch * frontEnd.patchSize }, () => 4 * random() - 5)
    const times = yield* timeCalls(seconds, embed(patches))
    const perSecond = times.map((milliseconds) => (1000 * batch) / milliseconds)
    return [summarise("network", `${name}, batch ${batch}`, { unit: "patches/s", lowerIsBetter: false }, perSecond)]
  })

/** Patches per second of every engine that runs here, and why others do not. */
export const network = Effect.gen(function* () {
  const embedder = yield* settledEmbedder({ allowUntrained: true })
  const settings = yield* Settings
  const rounded = settledEmbedder({ allowUntrained: true }).pipe(
    Effect.provideService(Settings, { ...settings, precision: "int8" })
  )
  const results = yield* Effect.forEach(EXECUTORS, ({ name, precision, layer }) =>
    Effect.flatMap(precision === "int8" ? rounded : Effect.succeed(embedder), (found) =>
      Effect.provide(measureEngine(name), layer(found))
    ).pipe(
      Effect.map((rows) => ({ rows, absent: [] as ReadonlyArray<string> })),
      Effect.catchTag("EngineError", ({ message }) => Effect.succeed({ rows: [], absent: [`${name}: ${message}`] }))
    )
  )
  const stand = embedder.name === "untrained" ? [`YAMNet's weights: ${embedder.source} is measured, as fast`] : []
  return { rows: results.flatMap(({ rows }) => rows), absent: [...stand, ...results.flatMap(({ absent }) => absent)] }
})
