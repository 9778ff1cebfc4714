import { NodeServices } from "@effect/platform-node"
import { Effect, Layer, ManagedRuntime, Option } from "effect"
import { Settings } from "../config.ts"
import { folderStore } from "../store/folder.ts"
import { openStore } from "../store/openStore.ts"
import { Store } from "../store/store.ts"
import { answer } from "./answer.ts"
import type { Asked, Told } from "./child.ts"
import type { EngineReply, EngineRequest } from "./messages.ts"

// The service's engine process: it decodes and predicts, one request after another, and dies alone.

const location = process.argv[2]
if (location === undefined || process.send === undefined) {
  console.error("This program is started by `bun run serve`.")
  process.exit(2)
}

const store = Layer.effect(
  Store,
  openStore(Option.some(location), { create: true }).pipe(Effect.map(Option.getOrElse(() => folderStore(location))))
)
const runtime = ManagedRuntime.make(
  store.pipe(Layer.provideMerge(Settings.layer), Layer.provideMerge(NodeServices.layer))
)
const answerTo = await runtime.runPromise(answer)

const tell = (message: Told<EngineReply>) => process.send!(message)

let previous = Promise.resolve()
process.on("message", ({ id, request }: Asked<EngineRequest>) => {
  previous = previous.then(async () => void tell({ id, reply: await runtime.runPromise(answerTo(request)) }))
})
process.on("disconnect", () => process.exit(0))
tell("ready")
