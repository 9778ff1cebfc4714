import { join } from "node:path"
import { Effect, Schema } from "effect"
import { capture } from "./capture.ts"
import { Bench, type Measurement } from "./measure.ts"

// Other programs, on the same machine and in the same run.

const PEERS = [
  { script: "librosa_effects.py", rows: ["resample", "transforms"], name: "librosa" },
  { script: "torch_yamnet.py", rows: ["network"], name: "PyTorch" },
  { script: "keras_fit.py", rows: ["training"], name: "Keras" }
]

const Line = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({
      peer: Schema.String,
      row: Schema.String,
      what: Schema.String,
      median: Schema.Finite,
      low: Schema.Finite,
      high: Schema.Finite,
      samples: Schema.Int
    }),
    Schema.Struct({ absent: Schema.String })
  ])
)
type Line = typeof Line.Type
export type PeerFigure = Exclude<Line, { readonly absent: string }>

/** Runs a peer's script in a Python: its figures, why there are none or not all, and its seconds of processor time. */
export const runPeer = Effect.fn("bench.peer")(function* (
  python: string,
  { script, name }: { readonly script: string; readonly name: string },
  task: object,
  environment: Readonly<Record<string, string>> = {}
) {
  const figures: Array<PeerFigure> = []
  const absent: Array<string> = []
  if (Bun.which(python) === null) {
    return { figures, absent: [`${name}: there is no ${python}; name a Python with --python`], processor: 0 }
  }
  const command = [python, join(import.meta.dir, "peers", script), JSON.stringify(task)]
  const { output, complaints, ended, processor } = yield* Effect.promise(() => capture(command, environment))
  if (ended !== 0) absent.push(`${name}: it failed, ${complaints.split("\n").at(-1)}`)
  for (const text of output.split("\n").filter((text) => text.startsWith("{"))) {
    const line = yield* Effect.orDie(Schema.decodeUnknownEffect(Line)(text))
    if ("absent" in line) absent.push(`${name} in ${python}: ${line.absent}`)
    else figures.push(line)
  }
  return { figures, absent, processor }
})

/** The figures of the peers that have some in these rows, and which peers are absent, and why. */
export const measurePeers = Effect.fn("bench.peers")(function* (python: string, rows: ReadonlyArray<string>) {
  const { seconds, threads } = yield* Bench
  const peers = PEERS.filter((peer) => peer.rows.some((row) => rows.includes(row)))
  const found = yield* Effect.forEach(peers, (peer) => {
    // librosa is compared core by core; PyTorch and Keras are told how many threads they get.
    const alone = peer.name === "librosa" ? { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" } : {}
    return runPeer(python, peer, { seconds, threads }, alone)
  })
  return {
    figures: found.flatMap(({ figures }) => figures).filter(({ row }) => rows.includes(row)),
    absent: found.flatMap(({ absent }) => absent)
  }
})

/** How many times as fast as a peer, by the medians; the peer's best where it has several figures for one of ours. */
export const ratioTo = (
  { row, what, median, lowerIsBetter }: Measurement,
  figures: ReadonlyArray<PeerFigure>
): { readonly peer: PeerFigure; readonly ratio: number } | undefined => {
  const matching = figures.filter((figure) => {
    if (figure.row !== row) return false
    // Where batches are the peer's own choice, its best one counts.
    if (row === "network") return what.startsWith("native, ") && !what.startsWith("native, 1 ")
    return what === figure.what || what.endsWith(`, ${figure.what}`)
  })
  const speedOf = (value: number): number => (lowerIsBetter ? 1 / value : value)
  const best = matching.toSorted((a, b) => speedOf(b.median) - speedOf(a.median))[0]
  return best && { peer: best, ratio: speedOf(median) / speedOf(best.median) }
}
