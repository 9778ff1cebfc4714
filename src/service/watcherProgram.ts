import { Effect, Layer, Queue } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../config/settings.ts"
import { answer, runProgram } from "../processes/program.ts"
import type { Event } from "../processes/protocol.ts"
import { runServices, settledEmbedder } from "../runs/services.ts"
import { TRAINING_DEFAULTS } from "../runs/trainingDefaults.ts"
import { makeFieldWatch } from "../runs/watch/fieldWatch.ts"
import { makeLanding } from "../runs/watch/landing.ts"
import { openSource, withLanded } from "../runs/watch/openSource.ts"
import { openStoreAt } from "../store/openStore.ts"
import type { ObjectInfo } from "../store/store.ts"
import { Watching } from "./protocols.ts"

// The service's watcher, `<store>`: it embeds recordings as they land, hears field recordings, and tells the service of them; the service trains.

const [location = ""] = process.argv.slice(2)

const follow = Effect.fnUntraced(function* (
  landed: Queue.Dequeue<ObjectInfo>,
  tell: (found: Event<typeof Watching, "follow">) => Effect.Effect<void>
) {
  const settings = yield* Settings
  const store = yield* openStoreAt(location)
  const embedder = yield* settledEmbedder({ allowUntrained: false })
  const layers = runServices(store, embedder, settings)
  return yield* Effect.gen(function* () {
    const source = yield* withLanded(yield* openSource(store), landed)
    const landing = yield* makeLanding(source, embedder, { ...TRAINING_DEFAULTS, audit: settings.auditCopies })
    const field = yield* makeFieldWatch(embedder)
    return yield* landing.look.pipe(
      Effect.tap(({ objects, gone, whole }) => (whole ? Effect.void : tell({ objects, gone }))),
      Effect.tap(() => field.look),
      Effect.forever
    )
  }).pipe(Effect.provide(layers))
}, Effect.scoped)

const program = Effect.gen(function* () {
  const landed = yield* Queue.unbounded<ObjectInfo>()
  return yield* answer(Watching, undefined, {
    follow: (_, tell) => follow(landed, tell),
    landed: (object) => Effect.asVoid(Queue.offer(landed, object))
  })
})

runProgram(program.pipe(Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer))))
