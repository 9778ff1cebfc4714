import { join } from "node:path"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Redacted } from "effect"
import { Settings } from "../../../src/config/settings.ts"
import { EngineProcess } from "../../../src/runs/cluster/engineProcess.ts"
import { work } from "../../../src/runs/cluster/worker.ts"
import { Store } from "../../../src/store/store.ts"
import { storeAt } from "../../support/stores.ts"

// A worker for tests: `bun workerProgram.ts <database> <store> <engine> <capacity>`; says its addresses once it is there.

const [url = "", location = "", engine = "native", capacity = "1"] = process.argv.slice(2)
const program = [process.execPath, join(import.meta.dir, "engineProgram.ts"), location, engine]

work(
  {
    databaseUrl: Redacted.make(url),
    host: "127.0.0.1",
    clusterPort: 0,
    port: 0,
    capacity: Number(capacity)
  },
  (address, health) => Console.log(`joined ${address} ${health}`)
).pipe(
  Effect.provide(
    Layer.mergeAll(
      EngineProcess.layer(program),
      Layer.sync(Store, () => storeAt(location)),
      Settings.layer
    )
  ),
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(NodeServices.layer),
  (effect) => NodeRuntime.runMain(effect, { disableErrorReporting: true })
)
