import { Effect } from "effect"
import { misspelt } from "../../config/misspelt.ts"
import { refusedSettings, settings } from "../../config/settings.ts"
import { type Finding, note, ok, wrong } from "./finding.ts"

/** Settings that are refused, and variables that look like a setting's misspelt name; `variables` are those that are set. */
export const examineSettings = Effect.fn("examineSettings")(function* (variables: ReadonlyArray<string>) {
  const refused = (yield* refusedSettings()).map(({ message }) => wrong("settings", message))
  const near = misspelt(variables).map(({ name, meant }): Finding => {
    const says = `${name} is no setting, and does nothing: ${meant} is one.`
    // Where that is set as well, the other may be a variable of another program's.
    return variables.includes(meant) ? note("settings", says) : wrong("settings", `${says} Rename it, or unset it.`)
  })
  if (refused.length + near.length > 0) return [...refused, ...near]
  const set = settings.filter(({ name }) => variables.includes(name)).map(({ name }) => name)
  return [ok("settings", set.length === 0 ? "None is set; all have defaults." : `${set.join(", ")}: allowed.`)]
})
