import { Effect, Layer, Schedule, Semaphore } from "effect"
import { Settings } from "../../../src/config/settings.ts"
import { engineLayer } from "../../../src/embedder/choose.ts"
import { Engine } from "../../../src/embedder/engine.ts"
import { rowSize } from "../../../src/embedder/frontEnd.ts"
import { frontEnd } from "../../../src/embedder/yamnet/frontEnd.ts"
import { Embeddings } from "../../../src/embeddings/embeddings.ts"
import { Scans } from "../../../src/embeddings/scans/scans.ts"
import { runProgram } from "../../../src/processes/program.ts"
import { answerTasks } from "../../../src/runs/cluster/engineTasks.ts"
import { isAbsence, Store } from "../../../src/store/store.ts"
import { Preparers } from "../../../src/stream/preparers.ts"
import { storeAt } from "../../support/stores.ts"
import { tiny } from "../../support/tinyEmbedder.ts"
import { untrainedYamnet } from "../../support/untrainedYamnet.ts"

// A worker's engine process for tests: `bun engineProgram.ts <store> <native | tiny | milliseconds a patch>`. It has the
// untrained network, the tiny one, a batch of which costs as many milliseconds as it says behind it, or an engine of fixed
// cost, on a graphics card if it says "gpu" behind it. It is killed by every recording that is called poison, and waits with
// those whose keys contain what the object `hold` says, for as long as there is one.

const [location = "", kind = "native"] = process.argv.slice(2)

const store = storeAt(location)
const isHeld = (key: string) =>
  store.get("hold").pipe(
    Effect.map(({ bytes }) => key.includes(new TextDecoder().decode(bytes))),
    Effect.catchIf(isAbsence, () => Effect.succeed(false))
  )
const meetFate = (key: string) => {
  if (key.includes("poison")) process.kill(process.pid, "SIGKILL")
  return Effect.repeat(isHeld(key), { while: (held) => held, schedule: Schedule.spaced("20 millis") })
}
const fateful = Store.of({
  ...store,
  get: (key) => Effect.andThen(meetFate(key), store.get(key)),
  getRange: (key, from, to) => Effect.andThen(meetFate(key), store.getRange(key, from, to))
})

/** Costs the same on a busy machine, one patch after another, and gives vectors that tell patches apart. */
const fixedCost = (milliseconds: number, name: "native" | "webgpu") =>
  Layer.effect(
    Engine,
    Effect.map(Semaphore.make(1), (turn) =>
      Engine.of({
        name,
        adapter: "a stub",
        why: "Because this is a test.",
        frontEnd,
        batch: 1,
        atOnce: 2,
        faults: Effect.succeed([]),
        embed: (patch) =>
          Effect.sync(() => Float32Array.from({ length: rowSize(frontEnd) }, (_, i) => patch[i]!)).pipe(
            Effect.delay(milliseconds),
            turn.withPermit
          )
      })
    )
  )

const slowed = (milliseconds: number) =>
  Layer.effect(
    Engine,
    Engine.use((engine) =>
      Effect.succeed(Engine.of({ ...engine, embed: (patches) => Effect.delay(engine.embed(patches), milliseconds) }))
    )
  ).pipe(Layer.provide(engineLayer({ engine: "native", embedder: tiny, threads: 1 })))

const isTiny = kind.startsWith("tiny")

const program = Effect.gen(function* () {
  const embedder = isTiny ? tiny : yield* untrainedYamnet
  const engine = isTiny
    ? slowed(Number(kind.slice("tiny".length)))
    : kind === "native"
      ? engineLayer({ engine: "native", embedder, threads: 1 })
      : fixedCost(Number.parseInt(kind, 10), kind.endsWith("gpu") ? "webgpu" : "native")
  return yield* answerTasks(embedder).pipe(
    Effect.provide(
      Layer.mergeAll(Embeddings.layer, Scans.layer, engine, Preparers.layer(1)).pipe(
        Layer.provideMerge(Layer.succeed(Store, fateful))
      )
    )
  )
})

runProgram(program.pipe(Effect.provide(Settings.layer)))
