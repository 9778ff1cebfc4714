import { createHash } from "node:crypto"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"
import { bundleDashboard } from "../src/dashboard/bundle.ts"
import { programPath } from "../src/processes/programPath.ts"
import { runMain } from "./cli/runMain.ts"
import { checksumOf } from "./packed/checksum.ts"
import type { NativePart } from "./packed/embedded.ts"
import { findEntries, packing, ROOT } from "./packed/plugin.ts"

// Packs everything into one file for Linux: Bun, the commands and what they start, the dashboard, onnxruntime and Dawn.
// YAMNet's weights are not in it.

class PackageError extends Schema.TaggedError<PackageError>()("PackageError", { message: Schema.String }) {}

const ARCHITECTURES = ["x64", "arm64"] as const
type Architecture = (typeof ARCHITECTURES)[number]

const libraries = (arch: Architecture) => [
  `onnxruntime-node/bin/napi-v6/linux/${arch}/onnxruntime_binding.node`,
  `onnxruntime-node/bin/napi-v6/linux/${arch}/libonnxruntime.so.1`,
  `webgpu/dist/linux-${arch}/dawn.node`
]

/** The libraries, packed into `folder`, and what stands for their content. */
const packLibraries = async (arch: Architecture, folder: string) => {
  const hash = createHash("sha256")
  const parts: Array<NativePart> = []
  for (const library of libraries(arch)) {
    const file = Bun.file(join(ROOT, "node_modules", library))
    if (!(await file.exists())) throw new Error(`node_modules has no ${library}, which bun install brings.`)
    const bytes = await file.bytes()
    hash.update(bytes)
    const path = join(folder, arch, `${basename(library)}.zst`)
    await Bun.write(path, Bun.zstdCompressSync(bytes, { level: 9 }))
    parts.push({ name: basename(library), path, size: bytes.length, checksum: checksumOf(bytes) })
  }
  return { parts, version: hash.digest("hex").slice(0, 16) }
}

const pack = async (arch: Architecture, outfile: string, executablePath: string | undefined, folder: string) => {
  // Before the build, and not by its plugin: a build within a build waits for ever.
  const dashboard = await bundleDashboard()
  const { outputs } = await Bun.build({
    entrypoints: [programPath("./packed/tfjs.ts", import.meta.url)],
    outdir: folder,
    target: "bun",
    ignoreDCEAnnotations: true
  })
  const packed = { ...(await packLibraries(arch, folder)), dashboard, tensorflow: outputs[0]!.path }
  await Bun.build({
    entrypoints: [programPath("./packed/main.ts", import.meta.url), ...(await findEntries())],
    root: ROOT,
    target: "bun",
    format: "esm",
    splitting: true,
    minify: { whitespace: true, syntax: true },
    bytecode: true,
    // What audio-decode has a name for, but does not bring.
    external: ["@audio/decode-ape"],
    plugins: [packing(packed)],
    compile: {
      target: `bun-linux-${arch}`,
      outfile,
      autoloadBunfig: false,
      ...(executablePath !== undefined && { executablePath })
    },
    throw: true
  })
}

const handle = Effect.fn("package")(
  function* ({
    arch,
    output,
    bun
  }: {
    readonly arch: "all" | Architecture
    readonly output: string
    readonly bun: Option.Option<string>
  }) {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-package-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true }))
    )
    for (const each of arch === "all" ? ARCHITECTURES : [arch]) {
      const file = resolve(output, `ecosight-linux-${each}`)
      yield* Effect.tryPromise({
        try: () => mkdir(output, { recursive: true }).then(() => pack(each, file, Option.getOrUndefined(bun), folder)),
        catch: (cause) => new PackageError({ message: `${file} cannot be made: ${reasonOf(cause)}` })
      })
      yield* Console.log(`${file}: ${(Bun.file(file).size / 1e6).toFixed(0)} MB`)
    }
  },
  Effect.scoped,
  Effect.mapError((cause) => new CliError.UserError({ cause }))
)

const reasonOf = (cause: unknown): string =>
  cause instanceof AggregateError
    ? cause.errors.map(reasonOf).join("; ")
    : cause instanceof Error
      ? cause.message
      : String(cause)

const command = Command.make(
  "package",
  {
    arch: Flag.Literals("arch", ["all", ...ARCHITECTURES]).pipe(
      Flag.withDescription("For which processors (default: all)"),
      Flag.withDefault("all")
    ),
    output: Flag.String("output").pipe(
      Flag.withDescription("The folder to write ecosight-linux-<arch> into (default: the current folder)"),
      Flag.withDefault(".")
    ),
    bun: Flag.String("bun").pipe(
      Flag.withDescription("A Bun for that processor (default: downloaded from npm where it is not this one)"),
      Flag.optional
    )
  },
  handle
).pipe(Command.withDescription("Packs all commands into one file for Linux machines without anything installed"))

if (import.meta.main) runMain(Command.run(command, { version: packageJson.version }))
