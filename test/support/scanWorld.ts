import { ConfigProvider, Effect, Layer, Logger, Redacted, Stream } from "effect"
import type { Event } from "../../src/classifier/events/event.ts"
import { Settings } from "../../src/config/settings.ts"
import { engineLayer } from "../../src/embedder/choose.ts"
import type { Embedder } from "../../src/embedder/embedder.ts"
import { Engine } from "../../src/embedder/engine.ts"
import { listParts } from "../../src/embeddings/parts.ts"
import { Scans } from "../../src/embeddings/scans/scans.ts"
import { clientLayer } from "../../src/runs/cluster/connections.ts"
import { Dispatch } from "../../src/runs/cluster/dispatch.ts"
import { hearOnCluster } from "../../src/runs/cluster/hearOnCluster.ts"
import { dogBark, gunShot } from "../../src/runs/demo/sounds.ts"
import type { EventRequest } from "../../src/runs/scan/eventOptions.ts"
import { eventsIn as eventsOfParts, readPart } from "../../src/runs/scan/eventParts.ts"
import { type RescanOptions, rescan } from "../../src/runs/scan/rescan.ts"
import { type ScanOptions, scan, scanBy } from "../../src/runs/scan/scan.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { CURRENT_KEY, eventsPrefix } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "./memoryStore.ts"
import { fill, json, smallCorpus, succeed } from "./runWorld.ts"
import { tiny } from "./tinyEmbedder.ts"

const RATE = 8000

/** A field recording: faint noise, and half a second of a bark or a shot every `every` seconds, by seed. */
export const fieldRecording = (seconds: number, seed: number, every = 20, rate = RATE): Uint8Array => {
  const random = seededRandom(seed)
  const samples = Float32Array.from({ length: Math.round(seconds * rate) }, () => (random() - 0.5) / 500)
  for (let at = every / 2; at + 1 < seconds; at += every) {
    const made = (random() < 0.5 ? dogBark : gunShot)(random, rate)
    for (let i = 0; i < rate / 2; i++) samples[Math.floor(at * rate) + i]! += made[2 * i]! / 2
  }
  return encodeWav({ samples, sampleRate: rate }).bytes
}

/** What scans of the tiny embedder are done with; `embedded` is told how many patches each call embeds. */
export const scanServices = (
  store: Store["Service"],
  embedded: (patches: number) => void = () => undefined,
  environment: Record<string, string> = {},
  embedder: Embedder = tiny
) =>
  Layer.mergeAll(
    Scans.layer,
    Layer.effect(
      Engine,
      Engine.use((engine) =>
        Effect.succeed(
          Engine.of({
            ...engine,
            embed: (patches) => {
              embedded(patches.length / engine.frontEnd.patchSize)
              return engine.embed(patches)
            }
          })
        )
      )
    ).pipe(Layer.provide(engineLayer({ engine: "native", embedder, threads: 1 }))),
    Settings.layer.pipe(
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { WORKERS: "2", ...environment } })))
    ),
    Logger.layer([])
  ).pipe(Layer.provideMerge(Layer.succeed(Store, store)))

let trained: Promise<ReadonlyMap<string, Uint8Array>> | undefined

/** A store in memory with a promoted model of barks and shots, trained once for all of a file's tests. */
export const trainedStore = async () => {
  trained ??= (async () => {
    const objects = new Map<string, Uint8Array>()
    await train(memoryStore(objects))
    return objects
  })()
  const objects = new Map(await trained)
  const store = memoryStore(objects)
  const pointer = (await json(store, CURRENT_KEY)) as { readonly runId: string }
  return { objects, store, runId: pointer.runId }
}

/** A model of barks and shots, promoted; its run's id. */
export const train = async (store: Store["Service"], seed = 0): Promise<string> => {
  await fill(store, smallCorpus())
  const options = { epochs: 40, seed, promotion: "always", audit: false } as const
  return (await succeed(store, options, {}, undefined, [], tiny)).runId
}

/** What a test's scan tells: these models were heard in no soundscape, so from a fixed probability. */
export const EVENTS: EventRequest = { alarms: 5, perClass: {} }

const asked = (options: Partial<ScanOptions>): ScanOptions => ({
  events: EVENTS,
  onProgress: () => Effect.void,
  onSkip: () => Effect.void,
  ...options
})

/** One scan, and how many patches it embedded. */
export const scanOn = async (
  store: Store["Service"],
  options: Partial<ScanOptions> = {},
  environment: Record<string, string> = {},
  embedder: Embedder = tiny
) => {
  let patches = 0
  const count = (more: number) => {
    patches += more
  }
  const services = scanServices(store, count, environment, embedder)
  const summary = await Effect.runPromise(scan(embedder, asked(options)).pipe(Effect.scoped, Effect.provide(services)))
  return { ...summary, patches }
}

/** A scan by the workers that meet in the database, as `bun run scan --cluster` asks for it. */
export const scanOnCluster = (url: string, store: Store["Service"], options: Partial<ScanOptions> = {}) => {
  const controller = new AbortController()
  const cluster = Dispatch.layer.pipe(Layer.provideMerge(clientLayer(Redacted.make(url))))
  const result = Effect.runPromise(
    scanBy(hearOnCluster, tiny, asked(options)).pipe(
      Effect.scoped,
      Effect.provide(Layer.merge(cluster, scanServices(store)))
    ),
    { signal: controller.signal }
  )
  return { result, cancel: () => controller.abort() }
}

export const rescanOn = (
  store: Store["Service"],
  options: Partial<RescanOptions> = {},
  embedder: Pick<Embedder, "frontEnd" | "hash"> = tiny
) =>
  Effect.runPromise(
    rescan(embedder, { events: EVENTS, ...options }).pipe(Effect.scoped, Effect.provide(scanServices(store)))
  )

/** What a version heard, in order. */
export const eventsIn = async (store: Store["Service"], runId: string): Promise<ReadonlyArray<Event>> => {
  const events = await Effect.runPromise(
    Effect.gen(function* () {
      const parts = (yield* Stream.runCollect(listParts(eventsPrefix(runId)))).map(({ key }) => key)
      const read = yield* Effect.forEach(parts, (key) => Effect.map(readPart(key), (events) => ({ key, events })))
      return yield* eventsOfParts(runId, read)
    }).pipe(Effect.provideService(Store, store))
  )
  return [...events].sort((a, b) =>
    a.recording < b.recording ? -1 : a.recording > b.recording ? 1 : a.start - b.start
  )
}
