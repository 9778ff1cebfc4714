import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { judge } from "./judge.ts"
import { mutate } from "./mutate.ts"
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

for (let seed = Number(from); seed < Number(to); seed++) {
  const { base, mutation, bytes } = mutate(seed, bases)
  write({ seed, base, mutation, spent: spent() })
  const outcome = await Effect.runPromise(judge(bytes, 30))
  write({ seed, ...outcome, spent: spent(), megabytes: process.resourceUsage().maxRSS / 1024 })
}
