import { writeSync } from "node:fs"
import { Effect, Layer, Logger } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { engineLayer } from "../../src/embedder/choose.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { newRunId } from "../../src/registry/runRecord.ts"
import { planRun } from "../../src/runs/planRun.ts"
import { retrain } from "../../src/runs/retrain.ts"
import { Store } from "../../src/store/store.ts"
import { RunEvents } from "../../src/stream/events.ts"
import { Preparers } from "../../src/stream/preparers.ts"
import { storeAt } from "../support/stores.ts"
import { tiny } from "../support/tinyEmbedder.ts"
import { MORTAL_OPTIONS } from "./mortalOptions.ts"

// A run on the store named, for a parent that kills it: says each event's stage on a line of its own, at once.

const say = (line: string) => void writeSync(1, `${line}\n`)

const layers = Layer.mergeAll(
  Embeddings.layer,
  engineLayer({ engine: "native", embedder: tiny, threads: 1 }),
  Settings.layer,
  Preparers.layer(1),
  Logger.layer([]),
  Layer.succeed(RunEvents, ({ stage }) => Effect.sync(() => say(stage)))
).pipe(Layer.provideMerge(Layer.sync(Store, () => storeAt(process.argv[2]!))))

const program = Effect.gen(function* () {
  const plan = yield* planRun(tiny, MORTAL_OPTIONS.augmentations)
  return yield* retrain(yield* newRunId, plan, tiny, MORTAL_OPTIONS)
}).pipe(Effect.provide(layers))

say(JSON.stringify(await Effect.runPromise(program)))
