import { fork } from "node:child_process"
import { NodeWorker, NodeWorkerRunner } from "@effect/platform-node"
import { Effect, Fiber, Layer, Schema } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcServer } from "effect/rpc"
import { answer, runProgram } from "../../src/processes/program.ts"
import type { Protocol } from "../../src/processes/protocol.ts"
import { supervise } from "../../src/processes/supervise.ts"

// What a request to a process costs, and its death: `bun bench/experiments/processes.ts`. By the project's supervisor, and
// by effect/rpc over effect/workers; see docs/decisions/processes.md.

const SIZES = [1_000, 1_000_000, 50_000_000]
const REPEATS = 5

const number = { event: Schema.Never, answer: Schema.Number }
const Ours = {
  name: "measured",
  about: Schema.Void,
  calls: {
    measure: { ...number, payload: Schema.Uint8Array },
    wait: { ...number, payload: Schema.Number },
    die: { ...number, payload: Schema.Void }
  },
  inTurn: true
} satisfies Protocol

const Theirs = RpcGroup.make(
  Rpc.make("measure", { payload: { bytes: Schema.Uint8Array }, success: Schema.Number }),
  Rpc.make("wait", { payload: { milliseconds: Schema.Number }, success: Schema.Number }),
  Rpc.make("die", { success: Schema.Number })
)

const measure = (bytes: Uint8Array) => Effect.succeed(bytes.length)
const wait = (milliseconds: number) => Effect.as(Effect.sleep(milliseconds), milliseconds)
const die = () => Effect.sync(() => Number(process.kill(process.pid, "SIGKILL")))

/** What both ways offer. */
interface Way {
  readonly measure: (bytes: Uint8Array) => Effect.Effect<number, unknown>
  readonly wait: (milliseconds: number) => Effect.Effect<number, unknown>
  readonly die: Effect.Effect<number, unknown>
}

const ours = Effect.gen(function* () {
  const { ask } = yield* supervise(Ours, () => [process.execPath, import.meta.path, "ours"], { restart: true })
  return {
    measure: (bytes) => ask("measure", bytes),
    wait: (milliseconds) => ask("wait", milliseconds),
    die: ask("die", undefined)
  } satisfies Way
})

const theirs = Effect.gen(function* () {
  const spawn = () => fork(import.meta.path, ["theirs"], { serialization: "advanced" })
  const context = yield* Layer.build(
    RpcClient.layerProtocolWorker({ size: 1, concurrency: 1 }).pipe(Layer.provide(NodeWorker.layer(spawn)))
  )
  const client = yield* Effect.provideContext(RpcClient.make(Theirs), context)
  return {
    measure: (bytes) => client.measure({ bytes }),
    wait: (milliseconds) => client.wait({ milliseconds }),
    die: client.die()
  } satisfies Way
})

const report = Effect.fnUntraced(function* (name: string, { measure, wait, die }: Way) {
  yield* measure(new Uint8Array(1))
  for (const size of SIZES) {
    const bytes = new Uint8Array(size)
    const times: Array<number> = []
    for (let i = 0; i < REPEATS; i++) {
      const began = performance.now()
      yield* measure(bytes)
      times.push(performance.now() - began)
    }
    console.log(`${name}: ${size} bytes and back in ${times.sort((a, b) => a - b)[REPEATS >> 1]!.toFixed(1)} ms`)
  }
  const dying = yield* Effect.forkChild(Effect.exit(die))
  const others = yield* Effect.forEach([1, 2, 3], (i) => Effect.forkChild(Effect.exit(wait(i))))
  const began = performance.now()
  yield* Fiber.join(dying)
  const exits = yield* Effect.forEach(others, Fiber.join)
  yield* measure(new Uint8Array(1))
  const lost = exits.filter(({ _tag }) => _tag === "Failure").length
  console.log(
    `${name}: a death costs ${lost} of ${others.length} others, and ${Math.round(performance.now() - began)} ms`
  )
})

const [side] = process.argv.slice(2)
if (side === "ours") {
  runProgram(answer(Ours, undefined, { measure, wait, die }))
} else if (side === "theirs") {
  const handlers = Theirs.toLayer({
    measure: ({ bytes }) => measure(bytes),
    wait: ({ milliseconds }) => wait(milliseconds),
    die
  })
  process.on("disconnect", () => process.exit(0))
  Effect.runFork(
    Layer.launch(
      RpcServer.layer(Theirs).pipe(
        Layer.provide([handlers, RpcServer.layerProtocolWorkerRunner]),
        Layer.provide(NodeWorkerRunner.layer)
      )
    )
  )
} else {
  await Effect.runPromise(Effect.scoped(Effect.flatMap(ours, (way) => report("supervise", way))))
  await Effect.runPromise(Effect.scoped(Effect.flatMap(theirs, (way) => report("effect/rpc", way))))
  process.exit(0)
}
