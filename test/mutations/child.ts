import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { decodeClip } from "../../src/sound/decode/decode.ts"
import { mutate } from "./mutate.ts"

// Decodes the mutated files of seeds from one to another, of the base files in a folder; a line of JSON for each.

const [, , folder = "", names = "", from = "0", to = "0"] = process.argv
const bases = names.split(",").map((name) => new Uint8Array(readFileSync(join(folder, name))))
for (let seed = Number(from); seed < Number(to); seed++) {
  const { base, mutation, bytes } = mutate(seed, bases)
  console.log(JSON.stringify({ seed, base, mutation }))
  const before = process.memoryUsage.rss()
  const outcome = await Effect.runPromise(
    decodeClip(bytes, { maxSeconds: 30 }).pipe(
      Effect.match({
        onFailure: ({ reason }) => ({ reason }),
        onSuccess: ({ samples }) => ({ isFinite: samples.every(Number.isFinite), length: samples.length })
      })
    )
  )
  const megabytes = Math.round(
    (Math.max(process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024) - before) / 2 ** 20
  )
  console.log(JSON.stringify({ seed, ...outcome, megabytes: process.resourceUsage().maxRSS / 1024, grown: megabytes }))
}
