import { ConfigProvider, Effect, Layer, Result, Stream } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { engineLayer } from "../../src/embedder/choose.ts"
import type { Embedder } from "../../src/embedder/embedder.ts"
import { Engine } from "../../src/embedder/engine.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { newRunId } from "../../src/registry/runRecord.ts"
import { dogBark, gunShot } from "../../src/runs/demo/sounds.ts"
import { planRun, type RetrainOptions } from "../../src/runs/planRun.ts"
import { retrain } from "../../src/runs/retrain.ts"
import type { RunSummary } from "../../src/runs/summary.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { type RunEvent, RunEvents } from "../../src/stream/events.ts"
import { Preparers } from "../../src/stream/preparers.ts"
import { untrainedYamnet } from "./untrainedYamnet.ts"

/** Half a second of a synthesised shot or bark, as a WAV file. */
export const sound = (className: "dog_bark" | "gun_shot", seed: number): Uint8Array => {
  const make = className === "dog_bark" ? dogBark : gunShot
  return encodeWav({ samples: make(seededRandom(seed), 8000).map((sample) => sample / 2), sampleRate: 16_000 }).bytes
}

/** Five sources of each class, by key. */
export const smallCorpus = (): Map<string, Uint8Array> =>
  new Map(
    (["dog_bark", "gun_shot"] as const).flatMap((className, label) =>
      Array.from({ length: 5 }, (_, i) => {
        const source = 100 * label + i
        return [recordingKey(className, `${source}-${label}-0-0.wav`), sound(className, source)] as const
      })
    )
  )

/** Two epochs and one augmented variant: enough to go through every stage. */
export const OPTIONS: RetrainOptions = {
  augmentations: 1,
  epochs: 2,
  batchSize: 8,
  head: "linear",
  seed: 0,
  minNewSamples: 0,
  promotion: "auto",
  audit: true
}

const untrained = Effect.runPromise(untrainedYamnet)

/**
 * One run on a store, with an untrained network unless another embedder is given, and the events it told of; `faults` is
 * what the engine says of itself.
 */
export const runOn = async (
  store: Store["Service"],
  options: Partial<RetrainOptions> = {},
  environment: Record<string, string> = {},
  signal?: AbortSignal,
  faults: ReadonlyArray<string> = [],
  given?: Embedder
) => {
  const events: Array<RunEvent> = []
  const embedder = given ?? (await untrained)
  const services = Layer.mergeAll(
    Embeddings.layer,
    Layer.effect(
      Engine,
      Engine.use((engine) => Effect.succeed(Engine.of({ ...engine, faults: Effect.succeed(faults) })))
    ).pipe(Layer.provide(engineLayer({ engine: "native", embedder }))),
    Settings.layer,
    Preparers.layer(1),
    Layer.succeed(RunEvents, (event) => Effect.sync(() => void events.push(event)))
  ).pipe(
    Layer.provideMerge(Layer.succeed(Store, store)),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: environment })))
  )
  const merged = { ...OPTIONS, ...options }
  const program = Effect.gen(function* () {
    const plan = yield* planRun(embedder, merged.augmentations)
    return yield* retrain(yield* newRunId, plan, embedder, merged)
  })
  const result = await Effect.runPromise(program.pipe(Effect.provide(services), Effect.result), { signal })
  return { result, events }
}

/** The run's result, or the error thrown at the test. */
export const succeed = async (...run: Parameters<typeof runOn>): Promise<RunSummary> =>
  Result.getOrThrow((await runOn(...run)).result)

/** The sentence that a run fails with. */
export const failure = async (...run: Parameters<typeof runOn>): Promise<string> => {
  const { result } = await runOn(...run)
  if (Result.isSuccess(result)) throw new Error("the run succeeded")
  return result.failure.message
}

/** Puts objects into a store. */
export const fill = (store: Store["Service"], objects: Iterable<readonly [string, Uint8Array]>) =>
  Effect.runPromise(Effect.forEach(objects, ([key, bytes]) => store.put(key, bytes), { concurrency: 8, discard: true }))

/** All keys in a store that begin with a prefix. */
export const keysIn = (store: Store["Service"], prefix: string) =>
  Effect.runPromise(
    store.list(prefix).pipe(
      Stream.map(({ key }) => key),
      Stream.runCollect
    )
  )

/** What a JSON object in a store says. */
export const json = (store: Store["Service"], key: string): Promise<unknown> =>
  Effect.runPromise(Effect.map(store.get(key), ({ bytes }) => JSON.parse(new TextDecoder().decode(bytes))))
