import { dirname, relative, resolve } from "node:path"
import type { BunPlugin } from "bun"
import type { DashboardFile } from "../../src/dashboard/bundle.ts"
import { programPath } from "../../src/processes/programPath.ts"
import type { NativePart } from "./embedded.ts"

export const ROOT = resolve(import.meta.dir, "../..")

/** Where a source file is found within the one file. */
const within = (path: string) => `/$bunfs/root/${relative(ROOT, path)}`

/** The programs and modules that others name by path, `programPath` and a front-end's `module`: each is an entry of its own. */
export const findEntries = async (): Promise<ReadonlyArray<string>> => {
  const entries = new Set<string>()
  for (const path of new Bun.Glob("{src,pipelines}/**").scanSync({ cwd: ROOT, absolute: true })) {
    // The files that pack are not packed.
    if (!path.endsWith(".ts") || /\/pipelines\/pack(age|ed)\b/.test(path)) continue
    const text = await Bun.file(path).text()
    for (const [, program] of text.matchAll(/programPath\("([^"]+\.ts)", import\.meta\.url\)/g)) {
      entries.add(resolve(dirname(path), program!))
    }
    if (/module: import\.meta\.path/.test(text)) entries.add(path)
  }
  return [...entries].sort()
}

/** What goes into the one file beside the code. */
export interface Packed {
  readonly parts: ReadonlyArray<NativePart>
  /** Stands for the content of all parts. */
  readonly version: string
  readonly dashboard: ReadonlyArray<DashboardFile>
  /** TensorFlow.js and its backend, bundled: a path. */
  readonly tensorflow: string
}

/** Makes of the sources what runs within one file. */
export const packing = ({ parts, version, dashboard, tensorflow }: Packed): BunPlugin => ({
  name: "packing",
  setup: (build) => {
    // Modules are bundled, so that where one lies no longer tells where others do; and there is no `bun run` to be told of.
    build.onLoad({ filter: /\/(src|pipelines)\/(?!.*\.d\.ts$).*\.ts$/ }, async ({ path }) => {
      if (path === programPath("./embedded.ts", import.meta.url))
        return { contents: embedded(parts, version), loader: "ts" }
      if (path === programPath("../../src/dashboard/bundle.ts", import.meta.url))
        return { contents: `export const bundleDashboard = async () => (${JSON.stringify(dashboard)})`, loader: "ts" }
      const text = await Bun.file(path).text()
      const contents = text
        .replaceAll("import.meta.url", JSON.stringify(`file://${within(path)}`))
        .replaceAll("import.meta.path", JSON.stringify(within(path)))
        .replaceAll("import.meta.dir", JSON.stringify(dirname(within(path))))
        .replaceAll(/import\("@tensorflow\/tfjs(-backend-webgpu)?"\)/g, `import(${JSON.stringify(tensorflow)})`)
        .replaceAll("bun run ", "ecosight ")
      return { contents, loader: "ts" }
    })
    // Libraries are loaded from where they were unpacked.
    build.onLoad({ filter: /\/onnxruntime-node\/dist\/binding\.js$/ }, ({ path }) =>
      replaced(path, /require\(`\.\.\/bin\/[^`]*`\)/, `require(${PARTS}).loadNativePart("onnxruntime_binding.node")`)
    )
    build.onLoad({ filter: /\/webgpu\/index\.js$/ }, ({ path }) =>
      replaced(
        path,
        /= require\(dawnNodePath\)/,
        `= loadNativePart("dawn.node")\nimport { loadNativePart } from ${PARTS}`
      )
    )
    // The bundler drops a class that nobody uses, but not the line about it.
    build.onLoad({ filter: /\/(@wasm-audio-decoders\/flac|mpg123-decoder)\/index\.js$/ }, ({ path }) =>
      replaced(path, /assignNames\(\w+DecoderWebWorker.*/, "")
    )
  }
})

const PARTS = JSON.stringify(programPath("./nativeParts.ts", import.meta.url))

const replaced = async (path: string, what: RegExp, by: string) => {
  const text = await Bun.file(path).text()
  if (!what.test(text)) throw new Error(`${path} is not what it was: see how it is to be packed now.`)
  return { contents: text.replace(what, () => by), loader: "js" as const }
}

const embedded = (parts: ReadonlyArray<NativePart>, version: string) =>
  [
    ...parts.map(({ path }, index) => `import part${index} from ${JSON.stringify(path)} with { type: "file" }`),
    "export const NATIVE_PARTS = [",
    ...parts.map(
      ({ name, size, checksum }, index) =>
        `  { name: ${JSON.stringify(name)}, path: part${index}, size: ${size}, checksum: ${JSON.stringify(checksum)} },`
    ),
    "]",
    `export const NATIVE_VERSION = ${JSON.stringify(version)}`
  ].join("\n")
