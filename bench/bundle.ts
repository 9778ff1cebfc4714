import { chmod, cp, mkdir, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import type { BunPlugin } from "bun"
import { Console, Effect, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import packageJson from "../package.json"

// Packs the graphics card's benchmark into one file that runs on a Linux machine without a network: a shell script with
// Bun, the compiled benchmark, Dawn, onnxruntime and a Vulkan loader behind it. YAMNet's weights are not in it: the
// untrained network takes as long, and YAMNET_MODEL names a folder on the machine itself.

const LIMIT = 60e6
const root = resolve(import.meta.dir, "..")

class BundleError extends Schema.TaggedError<BundleError>()("BundleError", { message: Schema.String }) {}

/** Runs a program that has to succeed, and gives what it prints. */
const run = (command: ReadonlyArray<string>, cwd: string) =>
  Effect.tryPromise({
    try: async () => {
      const child = Bun.spawn([...command], { cwd, stdout: "pipe", stderr: "pipe" })
      const [output, complaints] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text()
      ])
      if ((await child.exited) !== 0) throw new Error(complaints.trim().split("\n").at(-1))
      return output
    },
    catch: (cause) => new BundleError({ message: `${command[0]} failed: ${cause}` })
  })

const PACKAGES = {
  webgpu: ["package.json", "LICENSE.md", "index.js", "dist/linux-x64"],
  "onnxruntime-node": ["package.json", "dist", "bin/napi-v6/linux/x64"],
  "onnxruntime-common": ["package.json", "dist"]
}

// Where compiled code says where a file lies, it does so from the folder that the program was started in.
const beside: BunPlugin = {
  name: "beside",
  setup: (build) => {
    build.onLoad({ filter: /\.wasm$/ }, ({ path }) => ({
      contents: `export default import.meta.dir + "/${basename(path)}"`,
      loader: "js"
    }))
  }
}

const compile = Effect.fnUntraced(function* (stage: string) {
  const built = yield* Effect.promise(() =>
    Bun.build({
      entrypoints: [join(root, "bench/webgpu/main.ts")],
      outdir: join(stage, "bench/webgpu"),
      target: "bun",
      minify: true,
      external: Object.keys(PACKAGES),
      plugins: [beside],
      throw: false
    })
  )
  yield* copy(join(root, "src/sound/kernels/kernels.wasm"), join(stage, "bench/webgpu/kernels.wasm"))
  if (!built.success) return yield* new BundleError({ message: `The benchmark does not compile: ${built.logs[0]}` })
})

const copy = (from: string, to: string) =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(dirname(to), { recursive: true })
      await cp(await realpath(from), to, { recursive: true, filter: (path) => !/\.(map|d\.ts)$/.test(path) })
    },
    catch: (cause) => new BundleError({ message: `${from} cannot be packed: ${cause}` })
  })

/** The Vulkan loader of Debian's package, downloaded now: a bundle's target may have a driver but none. */
const fetchLoader = Effect.fnUntraced(function* (stage: string) {
  const folder = join(stage, "lib")
  const work = join(stage, "deb")
  yield* Effect.promise(() => mkdir(work, { recursive: true }))
  yield* run(["apt-get", "download", "libvulkan1"], work).pipe(
    Effect.mapError(
      ({ message }) => new BundleError({ message: `${message}. The Vulkan loader comes from Debian: bundle there.` })
    )
  )
  const [deb] = new Bun.Glob("*.deb").scanSync({ cwd: work })
  yield* run(["dpkg-deb", "-x", deb!, "."], work)
  yield* copy(join(work, "usr/lib/x86_64-linux-gnu/libvulkan.so.1"), join(folder, "libvulkan.so.1"))
  yield* copy(join(work, "usr/share/doc/libvulkan1/copyright"), join(folder, "libvulkan1.copyright"))
  yield* Effect.promise(() => rm(work, { recursive: true }))
})

// A small machine may have no xz: its program and library go along as they are.
const packXz = Effect.fnUntraced(function* (outer: string) {
  const program = Bun.which("xz")
  if (program === null) return yield* new BundleError({ message: "xz is missing here: install xz-utils" })
  const library = /liblzma\S* => (\S+)/.exec(yield* run(["ldd", program], outer))?.[1]
  yield* copy(program, join(outer, "xz"))
  if (library !== undefined) yield* copy(library, join(outer, "liblzma.so.5"))
})

const script = (offset: number, commit: string) => `#!/bin/sh
# How fast YAMNet runs on this machine's graphics card, against PyTorch where python3 has it: sh THIS_FILE [--help]
# Unpacks to a temporary folder (TMPDIR, else /tmp; it needs 250 MB) and leaves nothing behind.
set -eu
export ECOSIGHT_COMMIT=${commit}
folder=$(mktemp -d "\${TMPDIR:-/tmp}/ecosight-bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
tail -c +${String(offset).padStart(6, "0")} "$0" | tar -x -C "$folder"
LD_LIBRARY_PATH="$folder" "$folder/xz" -dc "$folder/payload.tar.xz" | tar -x -C "$folder"
rm "$folder/payload.tar.xz"
if ! { ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null | grep -q 'libvulkan\\.so\\.1'; then
  export LD_LIBRARY_PATH="$folder/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
"$folder/bun" "$folder/bench/webgpu/main.js" "$@"
exit
`

const bundle = Effect.fn("bundle")(
  function* ({ output }: { readonly output: string }) {
    if (process.platform !== "linux" || process.arch !== "x64") {
      return yield* new BundleError({ message: "A bundle is for Linux on x64 and is made there." })
    }
    const temporary = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-bundle-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true }))
    )
    const [stage, outer] = [join(temporary, "stage"), join(temporary, "outer")]
    yield* Effect.promise(() => mkdir(outer))
    yield* compile(stage)
    for (const name of ["torch_cuda.py", "yamnet_network.py", "timing.py"]) {
      // Compiled, all code is in one file, and looks for its peers beside that.
      yield* copy(join(root, "bench/peers", name), join(stage, "bench/webgpu/peers", name))
    }
    yield* copy(process.execPath, join(stage, "bun"))
    for (const [name, parts] of Object.entries(PACKAGES)) {
      for (const part of parts) {
        yield* copy(join(root, "node_modules", name, part), join(stage, "node_modules", name, part))
      }
    }
    yield* fetchLoader(stage)
    yield* packXz(outer)

    yield* Console.error("Compressing, which takes a minute or two.")
    const payload = join(outer, "payload.tar.xz")
    const compressor = "xz --x86 --lzma2=preset=9e,dict=192MiB"
    yield* run(
      ["sh", "-c", `tar --sort=name --owner=0 --group=0 -c -C "$1" . | ${compressor} > "$2"`, "sh", stage, payload],
      root
    )
    yield* run(["tar", "-c", "-f", join(temporary, "outer.tar"), "-C", outer, "."], root)

    const commit = (yield* run(["git", "rev-parse", "HEAD"], root)).trim()
    const offset = new TextEncoder().encode(script(0, commit)).length + 1
    const tar = yield* Effect.promise(() => Bun.file(join(temporary, "outer.tar")).bytes())
    const file = Buffer.concat([new TextEncoder().encode(script(offset, commit)), tar])
    const megabytes = (file.length / 1e6).toFixed(1)
    if (file.length > LIMIT) {
      return yield* new BundleError({
        message: `The bundle has ${megabytes} MB, more than the ${LIMIT / 1e6} MB allowed.`
      })
    }
    yield* Effect.tryPromise({
      try: async () => {
        await Bun.write(output, file)
        await chmod(output, 0o755)
      },
      catch: (cause) => new BundleError({ message: `${output} cannot be written: ${cause}` })
    })
    yield* Console.log(`${output}: ${megabytes} MB. Run it with sh on a Linux machine with a graphics card.`)
  },
  Effect.scoped,
  Effect.mapError((cause) => new CliError.UserError({ cause }))
)

const command = Command.make(
  "bench:bundle",
  {
    output: Flag.String("output").pipe(
      Flag.withDescription("The file to write (default: ecosight-bench-linux-x64.run in the current folder)"),
      Flag.withDefault("ecosight-bench-linux-x64.run")
    )
  },
  bundle
).pipe(Command.withDescription("Packs the graphics card's benchmark into one file for a machine without a network"))

Command.run(command, { version: packageJson.version }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
