import { join } from "node:path"

// Draws cores.svg, clips a second against cores, from raw figures in bench/results: `bun docs/pictures/cores.ts`.

const results = join(import.meta.dir, "../../bench/results")
const read = async (name: string) => Bun.file(join(results, name)).json()

interface Series {
  readonly name: string
  readonly style: string
  /** Cores, and clips a second on them. */
  readonly points: ReadonlyArray<readonly [number, number]>
}

interface Row {
  readonly cores: number
  readonly engine: string
  readonly processes: number
  readonly precision: string
  readonly auditCopies: boolean
  readonly clips: number
  readonly seconds: { readonly stream: ReadonlyArray<number> }
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** On the machine with 16 cores: what the program chooses there, or one session's threads. */
const many = (rows: ReadonlyArray<Row>, precision: string, isChosen: boolean): Series["points"] =>
  [1, 2, 4, 8, 16].flatMap((cores) => {
    const processes = isChosen && cores > 2 ? Math.min(cores, 8) : 0
    const row = rows.find(
      (row) =>
        row.cores === cores && row.engine === "native" && row.processes === processes && row.precision === precision
    )
    return row === undefined ? [] : [[cores, row.clips / mean(row.seconds.stream)] as const]
  })

/** On the machine with two, as `bun run bench --only cores --json` prints it. */
const few = (rows: ReadonlyArray<{ readonly what: string; readonly median: number }>, precision: string) =>
  rows
    .filter(({ what }) => what.startsWith(precision))
    .map(({ what, median }) => [Number(/(\d+) core/.exec(what)![1]), median] as const)

const [sixteen, two] = await Promise.all([
  read("2026-11-26-nvidia-h100-16-cores-cores.json"),
  read("2026-11-26-xeon-2-cores-cores.json")
])
/** EcoSight's own pipeline, augmentation and embedding, on the two cores (docs/results.md). */
const ECOSIGHT = 116 / 20.9

const series: ReadonlyArray<Series> = [
  { name: "int8", style: "int8", points: many(sixteen.rows, "int8", true) },
  { name: "float32", style: "float", points: many(sixteen.rows, "float32", true) },
  { name: "int8, threads", style: "int8 before", points: many(sixteen.rows, "int8", false).slice(2) },
  { name: "float32, threads", style: "float before", points: many(sixteen.rows, "float32", false).slice(1) },
  { name: "", style: "int8 here", points: few(two.rows, "int8") },
  { name: "", style: "float here", points: few(two.rows, "float32") }
]
const [card] = (sixteen.rows as ReadonlyArray<Row>).filter(
  ({ engine, auditCopies }) => engine === "webgpu" && auditCopies
)
const onCard = Math.round(card!.clips / mean(card!.seconds.stream))

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [760, 470, 70, 190, 60, 60]
const HIGHEST = 200
const x = (cores: number): number => LEFT + (Math.log2(cores) / 4) * (WIDTH - LEFT - RIGHT)
const y = (clips: number): number => HEIGHT - BOTTOM - (clips / HIGHEST) * (HEIGHT - TOP - BOTTOM)
const at = (value: number): string => value.toFixed(1)

const line = ({ name, style, points }: Series): string => {
  const [cores, clips] = points.at(-1)!
  const path = points.map(([c, value]) => `${at(x(c))} ${at(y(value))}`).join(" L")
  const dots = points.map(([c, value]) => `<circle cx="${at(x(c))}" cy="${at(y(value))}" r="4.5"/>`).join("")
  const label = name === "" ? "" : `<text x="${at(x(cores) + 12)}" y="${at(y(clips) + 6)}">${name}</text>`
  return `  <g class="${style}"><path d="M${path}"/>${dots}${label}</g>`
}
const grid = [0, 50, 100, 150, 200]
  .map(
    (clips) =>
      `  <path class="grid" d="M${LEFT} ${at(y(clips))} H${WIDTH - RIGHT}"/><text class="axis" x="${LEFT - 12}" y="${at(y(clips) + 6)}" text-anchor="end">${clips}</text>`
  )
  .join("\n")
const ticks = [1, 2, 4, 8, 16]
  .map((c) => `  <text class="axis" x="${at(x(c))}" y="${HEIGHT - BOTTOM + 26}" text-anchor="middle">${c}</text>`)
  .join("\n")

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif" font-size="18">
  <title id="title">Clips a second against cores: ${series
    .filter(({ name }) => name !== "")
    .map(({ name, points }) => `${name} ${points.map(([c, value]) => `${Math.round(value)} on ${c}`).join(", ")}`)
    .join("; ")}.</title>
  <style>
    .page { fill: #f6f4ee; }
    .grid { stroke: #d5d8d0; }
    .axis, .note { fill: #45524b; }
    .title { fill: #17231d; font-weight: 600; }
    .int8 path, .float path { fill: none; stroke-width: 3; }
    .int8 path { stroke: #b4541e; } .int8 circle, .int8 text { fill: #b4541e; }
    .float path { stroke: #3d6b57; } .float circle, .float text { fill: #3d6b57; }
    .before path { stroke-dasharray: 5 6; stroke-width: 2; }
    .here path { stroke-width: 0; } .here circle { stroke-width: 2.5; fill: #f6f4ee; }
    .int8.here circle { stroke: #b4541e; } .float.here circle { stroke: #3d6b57; }
    .other { fill: #17231d; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #141b17; } .grid { stroke: #35423b; } .axis, .note { fill: #b9c8bf; } .title, .other { fill: #eef4f0; }
      .int8 path { stroke: #f0a070; } .int8 circle, .int8 text { fill: #f0a070; }
      .float path { stroke: #7fc0a0; } .float circle, .float text { fill: #7fc0a0; }
      .here circle { fill: #141b17; } .int8.here circle { stroke: #f0a070; } .float.here circle { stroke: #7fc0a0; }
    }
  </style>
  <rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="14"/>
  <text class="title" x="${LEFT}" y="34">Clips a second, five variants each</text>
${grid}
${ticks}
  <text class="axis" x="${at(x(4))}" y="${HEIGHT - 12}" text-anchor="middle">cores</text>
  <text class="note" x="${LEFT + 12}" y="${TOP + 24}">with its graphics card: ${onCard}</text>
  <text class="note" x="${LEFT + 12}" y="${TOP + 50}">○ another machine, two cores</text>
${series.map(line).join("\n")}
  <rect class="other" x="${at(x(2) - 5)}" y="${at(y(ECOSIGHT) - 5)}" width="10" height="10"/>
  <text class="other" x="${at(x(2) + 14)}" y="${at(y(ECOSIGHT) + 6)}">EcoSight: ${ECOSIGHT.toFixed(1)}</text>
</svg>
`
await Bun.write(join(import.meta.dir, "cores.svg"), svg)
