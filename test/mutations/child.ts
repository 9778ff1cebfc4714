import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { decodeClip } from "../../src/sound/decode/decode.ts"
import { FOREIGN, mutate } from "./mutate.ts"
import type { Begun, Ended } from "./watch.ts"

// Decodes the mutated files of seeds from one to another, of the base files in a folder; two lines of JSON for each.

const [, , folder = "", names = "", from = "0", to = "0"] = process.argv
const bases = names.split(",").map((name) => new Uint8Array(readFileSync(join(folder, name))))

const write = (line: Begun | Ended): void => console.log(JSON.stringify(line))

/** Seconds of the processor, of all threads together. */
const spent = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** What is wrong with a clip or with the reason why there is none. */
const judge = (bytes: Uint8Array) =>
  decodeClip(bytes, { maxSeconds: 30 }).pipe(
    Effect.match({
      onFailure: ({ reason }) => ({ isRead: false, fault: FOREIGN.test(reason) ? reason : "" }),
      onSuccess: ({ samples }) => ({
        isRead: true,
        fault: samples.length > 0 && samples.every(Number.isFinite) ? "" : "samples that are not finite, or none"
      })
    })
  )

for (let seed = Number(from); seed < Number(to); seed++) {
  const { base, mutation, bytes } = mutate(seed, bases)
  write({ seed, base, mutation, spent: spent() })
  const outcome = await Effect.runPromise(judge(bytes))
  write({ seed, ...outcome, spent: spent(), megabytes: process.resourceUsage().maxRSS / 1024 })
}
