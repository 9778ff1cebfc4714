import { availableParallelism } from "node:os"
import packageJson from "../../../package.json"
import { machineMemory } from "../../config/machineMemory.ts"
import { type Finding, note, ok, wrong } from "./finding.ts"

/** Below this a training on the usual settings may not fit. */
const LITTLE_MEMORY = 1e9

/** What this runs on: Bun's version, cores, memory. */
export const examineMachine = (): ReadonlyArray<Finding> => {
  const needed = packageJson.engines.bun
  const memory = machineMemory()
  const found = `Bun ${Bun.version}, ${availableParallelism()} cores, ${(memory / 1e9).toFixed(1)} GB of memory`
  return [
    Bun.semver.satisfies(Bun.version, needed)
      ? ok("machine", `${found}.`)
      : wrong(
          "machine",
          `Bun ${Bun.version} is too old: this needs ${needed}; npx --yes bun@${needed.replace(/^\D+/, "")} has it.`
        ),
    ...(memory < LITTLE_MEMORY
      ? [
          note(
            "machine",
            `${(memory / 1e6).toFixed(0)} MB of memory are little: set WORKERS=1 FETCH_CONCURRENCY=2 FIELD_MINUTES=0.`
          )
        ]
      : [])
  ]
}
