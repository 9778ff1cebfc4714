import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const ROOT = join(import.meta.dir, "../..")
/** Commands for whoever measures or plans; the others are `pipelines/<name>.ts`. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  bench: "bench/main.ts",
  plan: "bench/plan.ts",
  scratch: "bench/scratch.ts"
}

/** A temporary folder with these files. */
export const folderOf = async (files: Readonly<Record<string, string | Uint8Array>>) => {
  const root = await mkdtemp(join(tmpdir(), "ecosight-"))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) }
}

/** Runs one of the commands as a user does, in an environment of its own. */
export const runProgram = async (
  program:
    | "retrain"
    | "migrate"
    | "evaluate"
    | "scan"
    | "rescan"
    | "package"
    | "upload"
    | "models"
    | "watch"
    | "review"
    | "bench"
    | "worker"
    | "plan"
    | "scratch"
    | "doctor"
    | "init"
    | "serve",
  args: ReadonlyArray<string>,
  environment: Record<string, string> = {},
  folder?: string
) => {
  const child = Bun.spawn(["bun", join(ROOT, ELSEWHERE[program] ?? `pipelines/${program}.ts`), ...args], {
    env: { PATH: process.env.PATH, HOME: "/nonexistent", ...environment },
    ...(folder === undefined ? {} : { cwd: folder }),
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { stdout, stderr, code: await child.exited }
}

/** What `--json` printed. */
export const resultOf = ({ stdout }: { readonly stdout: string }): unknown =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1)!)
