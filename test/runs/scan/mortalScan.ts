import { writeSync } from "node:fs"
import { Effect } from "effect"
import { scan } from "../../../src/runs/scan/scan.ts"
import { EVENTS, scanServices } from "../../support/scanWorld.ts"
import { storeAt } from "../../support/stores.ts"
import { tiny } from "../../support/tinyEmbedder.ts"

// A scan of the store named, for a parent that kills it: says at once, on a line of its own, each time that more is heard.

const say = (line: string) => void writeSync(1, `${line}\n`)

const program = scan(tiny, {
  events: EVENTS,
  onProgress: () => Effect.sync(() => say("heard")),
  onSkip: (key, reason) => Effect.sync(() => say(`skipped ${key}: ${reason}`))
}).pipe(Effect.scoped, Effect.provide(scanServices(storeAt(process.argv[2]!))))

say(JSON.stringify(await Effect.runPromise(program)))
