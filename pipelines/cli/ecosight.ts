import packageJson from "../../package.json"

// All commands as one program: `ecosight retrain --store DIR` does what `bun run retrain --store DIR` does in a checkout.

interface Program {
  readonly main: () => void
}

const COMMANDS: Readonly<Record<string, { readonly does: string; readonly load: () => Promise<Program> }>> = {
  retrain: { does: "One training of the store's recordings", load: () => import("../retrain.ts") },
  init: { does: "Asks where the recordings are, and writes .env", load: () => import("../init.ts") },
  doctor: { does: "Names what is wrong with a setup, and how to mend it", load: () => import("../doctor.ts") },
  upload: { does: "Puts a folder of recordings into the store", load: () => import("../upload.ts") },
  watch: { does: "Embeds recordings as they land, and trains", load: () => import("../watch.ts") },
  review: { does: "Likely wrong labels, near-duplicates, silence", load: () => import("../review.ts") },
  models: { does: "Versions: list, show, diff, promote, rollback, prune, certify", load: () => import("../models.ts") },
  migrate: { does: "Leads a store to another embedder", load: () => import("../migrate.ts") },
  scan: { does: "Hears field recordings of any length", load: () => import("../scan.ts") },
  rescan: { does: "Hears them again by another model, without their sound", load: () => import("../rescan.ts") },
  evaluate: { does: "What each kind of classifier is worth here", load: () => import("../evaluate.ts") },
  serve: { does: "The HTTP API and the dashboard", load: () => import("../serve.ts") },
  worker: { does: "One more machine for runs of a cluster", load: () => import("../worker.ts") },
  "fetch-weights": { does: "Downloads YAMNet's weights, once", load: () => import("../fetch-weights.ts") }
}

const help = (name: string) => {
  const names = Object.keys(COMMANDS)
  const width = Math.max(...names.map((each) => each.length))
  return `EcoSight ${packageJson.version} trains sound classifiers from field recordings.

Usage: ${name} <command> [flags]

${Object.entries(COMMANDS)
  .map(([each, { does }]) => `  ${each.padEnd(width)}  ${does}`)
  .join("\n")}

"${name} <command> --help" tells a command's flags and settings.`
}

/**
 * Does what `given`, a command's name and flags, asks for. `prepare` runs before a command does; `name` is how the program
 * is called.
 */
export const ecosight = async (name: string, given: ReadonlyArray<string>, prepare = () => {}) => {
  const [first = "--help"] = given
  if (["--help", "-h", "help"].includes(first)) return console.log(help(name))
  if (["--version", "-v"].includes(first)) return console.log(packageJson.version)
  const command = COMMANDS[first]
  if (command === undefined) {
    console.error(`There is no command "${first}". "${name} --help" tells those that there are.`)
    process.exitCode = 1
    return
  }
  if (!given.includes("--help") && !given.includes("-h")) prepare()
  process.argv.splice(2, 1)
  const { main } = await command.load()
  main()
}
