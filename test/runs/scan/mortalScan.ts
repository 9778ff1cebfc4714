import { writeSync } from "node:fs"
import { Effect } from "effect"
import { EVENT_DEFAULTS } from "../../../src/runs/scan/eventOptions.ts"
import { scan } from "../../../src/runs/scan/scan.ts"
import { scanServices } from "../../support/scanWorld.ts"
import { storeAt } from "../../support/stores.ts"
import { tiny } from "../../support/tinyEmbedder.ts"

// A scan of the store named, for a parent that kills it: says at once, on a line of its own, each time that more is heard.

const say = (line: string) => void writeSync(1, `${line}\n`)

const program = scan(tiny, {
  events: EVENT_DEFAULTS,
  onProgress: () => Effect.sync(() => say("heard")),
  onSkip: (key, reason) => Effect.sync(() => say(`skipped ${key}: ${reason}`))
}).pipe(Effect.scoped, Effect.provide(scanServices(storeAt(process.argv[2]!))))

say(JSON.stringify(await Effect.runPromise(program)))
