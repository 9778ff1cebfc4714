import { availableParallelism } from "node:os"
import { Effect } from "effect"
import { inProcess } from "./inProcess.ts"
import { Bench, type Measurement, summarise } from "./measure.ts"
import { copyOf, type Pass, type StreamTask } from "./stream.ts"

// The stream from a folder on one core, two, four and so on, each time in a process that sees no more.

const PRECISIONS = ["float32", "int8"] as const

/** 1, 2, 4 and so on, and all of them. */
const counts = (all: number): ReadonlyArray<number> => [
  ...new Set([...Array.from({ length: Math.ceil(Math.log2(all)) }, (_, power) => 2 ** power), all])
]

/** Clips per second on so many cores of this machine, in float32 and in int8. */
export const onCores = Effect.gen(function* () {
  if (Bun.which("taskset") === null) {
    return { rows: [], absent: ["cores: taskset, of util-linux, keeps a process on some of them, and is not here"] }
  }
  const folder = yield* copyOf((yield* Bench).folder)
  const rows: Array<Measurement> = []
  for (const precision of PRECISIONS) {
    for (const cores of counts(availableParallelism())) {
      const task = { folder, s3: false, precision }
      const passes = yield* inProcess<StreamTask, ReadonlyArray<Pass>>("stream", task, { cores })
      const what = `${precision}, ${cores} ${cores === 1 ? "core" : "cores"}`
      const clipsPerSecond = passes.map(({ clips, stream }) => clips / stream)
      rows.push(summarise("cores", what, { unit: "clips/s", lowerIsBetter: false }, clipsPerSecond))
    }
  }
  return { rows, absent: [] as ReadonlyArray<string> }
}).pipe(Effect.scoped)
