// Which room may import which. `bun run check` holds every import against it, those of types and of programs' paths
// (`programPath`) included.

// The rooms of the house, from the ground up. A room may import what stands on a lower floor, and its own files.
// A new room gets a place here; rooms on one floor know nothing of each other.
const FLOORS = [
  ["sound", "config"],
  ["augment", "processes"],
  ["embedder", "store"],
  ["embeddings"],
  ["classifier", "stream"],
  ["registry"],
  ["review", "runs"],
  ["service"],
  ["dashboard"],
  ["pipelines"],
  ["bench"]
]

// More than a newcomer can keep in mind: merge two rooms before adding another.
const MOST_ROOMS = 16
const MOST_FLOORS = 12

const rooms = FLOORS.flat()
if (rooms.length > MOST_ROOMS) throw new Error(`${rooms.length} rooms are more than ${MOST_ROOMS}.`)
if (FLOORS.length > MOST_FLOORS) throw new Error(`${FLOORS.length} floors are more than ${MOST_FLOORS}.`)

const pathOf = (room) => `^${room === "pipelines" || room === "bench" ? room : `src/${room}`}/`

const downwards = FLOORS.flatMap((floor, level) =>
  floor.map((room) => ({
    name: `${room}-imports-downwards`,
    comment: `${room} stands on floor ${level + 1}: it may not know what stands beside or above it.`,
    severity: "error",
    from: { path: pathOf(room) },
    to: { path: FLOORS.slice(level).flat().filter((other) => other !== room).map(pathOf) }
  }))
).filter(({ to }) => to.path.length > 0)

module.exports = {
  forbidden: [
    {
      name: "no-circles",
      comment: "Files that import each other can only be read all at once.",
      severity: "error",
      from: {},
      to: { circular: true }
    },
    ...downwards,
    {
      name: "every-file-in-a-room",
      comment: "A file beside the rooms is one nobody looks for: give it to a room, or give the room a floor above.",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: rooms.map(pathOf) }
    },
    {
      name: "nothing-needs-tests",
      comment: "What is shipped must not lean on what only tests have.",
      severity: "error",
      from: { path: "^(src|pipelines|bench)/" },
      to: { path: "^test/" }
    },
    {
      name: "commands-stand-alone",
      comment: "A command is read by itself; what two of them share lies in pipelines/cli/ or in a room below.",
      severity: "error",
      from: { path: "^pipelines/[^/]+$" },
      to: { path: "^pipelines/[^/]+$", dependencyTypesNot: ["exotic-require"] }
    },
    {
      name: "onnxruntime-is-silenced",
      comment: "What it does not load by src/embedder/onnx/runtime.ts tells Microsoft what is run.",
      severity: "error",
      from: { path: "^(src|pipelines|bench)/", pathNot: "^src/embedder/onnx/runtime.ts$" },
      to: { path: "onnxruntime-node", dependencyTypesNot: ["type-only"] }
    },
    {
      name: "no-unresolvable",
      comment: "An import that leads nowhere.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^bun(:|$)" }
    }
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^src/sound/kernels/assembly/" },
    parser: "tsc",
    tsPreCompilationDeps: true,
    exoticRequireStrings: ["programPath"],
    moduleSystems: ["es6", "cjs"],
    enhancedResolveOptions: { extensions: [".ts", ".js", ".json"], exportsFields: ["exports"], conditionNames: ["bun", "import", "default", "types"] }
  }
}
