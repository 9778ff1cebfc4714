import { Effect } from "effect"

/** Tells once that no worker is left for a run or a scan, and once that one is there again; it is told how many there are. */
export const makeForsaken = (what: "run" | "scan") => {
  let isForsaken = false
  return Effect.fnUntraced(function* (workers: number) {
    if ((workers === 0) === isForsaken) return
    isForsaken = !isForsaken
    yield* isForsaken
      ? Effect.logWarning(`No worker is alive any more; the ${what} waits for one. Start one with \`bun run worker\`.`)
      : Effect.logInfo(`A worker is there again; the ${what} goes on.`)
  })
}
