import { join } from "node:path"
import { Effect, Schema } from "effect"
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

/** The figures of the peers that have some in these rows, and which peers are absent, and why. */
export const measurePeers = Effect.fn("bench.peers")(function* (python: string, rows: ReadonlyArray<string>) {
  const { seconds, threads } = yield* Bench
  const figures: Array<PeerFigure> = []
  const absent: Array<string> = []
  for (const peer of PEERS.filter((peer) => peer.rows.some((row) => rows.includes(row)))) {
    if (Bun.which(python) === null) {
      absent.push(`${peer.name}: there is no ${python}; name a Python with --python`)
      continue
    }
    const { output, complaint } = yield* Effect.promise(async () => {
      const child = Bun.spawn(
        [python, join(import.meta.dir, "peers", peer.script), JSON.stringify({ seconds, threads })],
        {
          // librosa is compared core by core; PyTorch and Keras are told how many threads they get.
          env: {
            ...process.env,
            ...(peer.name === "librosa" ? { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" } : {})
          },
          stdout: "pipe",
          stderr: "pipe"
        }
      )
      const [output, complaints] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text()
      ])
      const complaint = (await child.exited) === 0 ? undefined : complaints.trim().split("\n").at(-1)
      return { output, complaint }
    })
    if (complaint !== undefined) absent.push(`${peer.name}: it failed, ${complaint}`)
    for (const text of output.split("\n").filter((text) => text.startsWith("{"))) {
      const line = yield* Effect.orDie(Schema.decodeUnknownEffect(Line)(text))
      if ("absent" in line) absent.push(`${peer.name} in ${python}: ${line.absent}`)
      else if (rows.includes(line.row)) figures.push(line)
    }
  }
  return { figures, absent }
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
