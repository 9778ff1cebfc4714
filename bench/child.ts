import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { embedOnce } from "./cold.ts"
import { fetchLong } from "./fetching.ts"
import { BenchError } from "./inProcess.ts"
import { planOnce } from "./planning.ts"
import { scanPasses } from "./scan.ts"
import { streamPasses } from "./stream.ts"

// One measurement that needs a process of its own: its name, and its task as JSON.

const [, , name, json = "null"] = process.argv
const task = JSON.parse(json)

const work = Effect.gen(function* () {
  if (name === "stream") return yield* streamPasses(task)
  if (name === "fetching") return yield* fetchLong(task)
  if (name === "scan") return yield* scanPasses(task)
  if (name === "planning") return yield* planOnce(task)
  if (name === "cold") return yield* embedOnce(task)
  return yield* new BenchError({ message: "This program is started by `bun run bench`." })
})

work.pipe(
  Effect.flatMap((result) => Console.log(JSON.stringify(result))),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
