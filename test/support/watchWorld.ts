import { ConfigProvider, Effect, Fiber, Layer, Logger, type Scope } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { engineLayer } from "../../src/embedder/choose.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { Scans } from "../../src/embeddings/scans/scans.ts"
import type { RunSummary } from "../../src/runs/summary.ts"
import type { Source } from "../../src/runs/watch/source.ts"
import { type WatchOptions, watch } from "../../src/runs/watch/watch.ts"
import { Store } from "../../src/store/store.ts"
import { type RunEvent, RunEvents } from "../../src/stream/events.ts"
import { Preparers } from "../../src/stream/preparers.ts"
import { OPTIONS } from "./runWorld.ts"
import { untrainedYamnet } from "./untrainedYamnet.ts"

/** What a watcher has done so far. */
export interface Watched {
  readonly runs: ReadonlyArray<RunSummary>
  readonly log: ReadonlyArray<string>
  /** Recordings embedded outside of runs. */
  readonly embedded: () => number
}

/** Watches with an untrained network while `body` runs. */
export const watching = <A, E>(
  store: Store["Service"],
  source: Effect.Effect<Source, never, Scope.Scope>,
  options: Partial<WatchOptions>,
  body: (watched: Watched) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const embedder = yield* untrainedYamnet
    const runs: Array<RunSummary> = []
    const log: Array<string> = []
    const skips: Array<RunEvent> = []
    const services = Layer.mergeAll(
      Embeddings.layer,
      Scans.layer,
      engineLayer({ engine: "native", embedder }),
      Preparers.layer(2),
      Settings.layer,
      Layer.succeed(RunEvents, (event) => Effect.sync(() => void skips.push(event))),
      Logger.layer([Logger.make(({ message }) => void log.push(String(message)))])
    ).pipe(
      Layer.provideMerge(Layer.succeed(Store, store)),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} })))
    )
    const onRun = (summary: RunSummary) => Effect.sync(() => void runs.push(summary))
    const watcher = yield* watch(yield* source, embedder, {
      ...OPTIONS,
      augmentations: 0,
      audit: false,
      ...options,
      onRun
    }).pipe(Effect.provide(services), Effect.forkScoped)
    const embedded = () =>
      log.reduce((sum, line) => sum + Number(/^Embedded (\d+) new recordings?\.$/.exec(line)?.[1] ?? 0), 0)
    return yield* Effect.raceFirst(body({ runs, log, embedded }), Effect.orDie(Fiber.join(watcher)))
  }).pipe(Effect.scoped, Effect.runPromise)

/** Waits until it is so; the test's own timeout ends a wait in vain. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.andThen(Effect.sleep(10), until(condition))))
