import { writeSync } from "node:fs"
import { Effect, Layer, Logger } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { engineLayer } from "../../src/embedder/choose.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { newRunId } from "../../src/registry/runRecord.ts"
import { planRun, retrain } from "../../src/runs/retrain.ts"
import { folderStore } from "../../src/store/folder.ts"
import { Store } from "../../src/store/store.ts"
import { RunEvents } from "../../src/stream/events.ts"
import { untrainedYamnet } from "../support/untrainedYamnet.ts"
import { MORTAL_OPTIONS } from "./mortalOptions.ts"

// A run on the folder named, for a parent that kills it: says each event's stage on a line of its own, at once.

const say = (line: string) => void writeSync(1, `${line}\n`)

const program = Effect.gen(function* () {
  const embedder = yield* untrainedYamnet
  const layers = Layer.mergeAll(
    Embeddings.layer,
    engineLayer({ engine: "native", embedder, threads: 1 }),
    Settings.layer,
    Logger.layer([]),
    Layer.succeed(RunEvents, ({ stage }) => Effect.sync(() => say(stage)))
  ).pipe(Layer.provideMerge(Layer.sync(Store, () => folderStore(process.argv[2]!))))
  return yield* Effect.gen(function* () {
    const plan = yield* planRun(embedder, MORTAL_OPTIONS.augmentations)
    return yield* retrain(yield* newRunId, plan, embedder, MORTAL_OPTIONS)
  }).pipe(Effect.provide(layers))
})

say(JSON.stringify(await Effect.runPromise(program)))
