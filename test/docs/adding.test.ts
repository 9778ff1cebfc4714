import { afterAll, beforeAll, expect, test } from "bun:test"
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

// Follows docs/adding.md in a copy of the sources: pastes every block of code where the page says, then runs the check
// and the tests that it names.

const ROOT = resolve(import.meta.dir, "../..")
const COPIED = ["src", "pipelines", "bench", "test", "docs", ".dependency-cruiser.cjs", "biome.json", "bunfig.toml"]
const FILES = [...COPIED, "package.json", "tsconfig.json"]
const LONG = 300_000

const page = await readFile(join(ROOT, "docs/adding.md"), "utf8")
const [, ...chapters] = page.split(/^## /m)

const NEW_FILE = /New file `([^`]+)`:\n\n```\w+\n(.*?)^```/gms
const INSERTION = /[Ii]n `([^`]+)`, above `([^`]+)`:\n\n```\w+\n(.*?)^```/gms
const COMMAND = /^bun test .*$/gm

let copy: string
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "ecosight-adding-"))
  for (const name of FILES) await cp(join(ROOT, name), join(copy, name), { recursive: true })
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"))
}, LONG)
afterAll(() => rm(copy, { recursive: true, force: true }))

/** Pastes lines above the one line of a file that is `anchor`, whatever its indentation. */
const insert = async (path: string, anchor: string, code: string) => {
  const lines = (await readFile(join(copy, path), "utf8")).split("\n")
  const places = lines.flatMap((line, at) => (line.trim() === anchor ? [at] : []))
  expect({ path, anchor, places: places.length }).toEqual({ path, anchor, places: 1 })
  lines.splice(places[0]!, 0, code.replace(/\n$/, ""))
  await writeFile(join(copy, path), lines.join("\n"))
}

const run = async (...command: ReadonlyArray<string>) => {
  const child = Bun.spawn([process.execPath, ...command], { cwd: copy, stdout: "pipe", stderr: "pipe" })
  const output = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { code: await child.exited, output: output.join("\n") }
}

test(
  "what docs/adding.md adds passes the check, and the tests that it names",
  async () => {
    for (const chapter of chapters) {
      for (const [, path, code] of chapter.matchAll(NEW_FILE)) {
        expect(await Bun.file(join(copy, path!)).exists()).toBe(false)
        await Bun.write(join(copy, path!), code!)
      }
      for (const [, path, anchor, code] of chapter.matchAll(INSERTION)) await insert(path!, anchor!, code!)
    }
    const check = await run("run", "check")
    expect(check.code === 0 ? "" : check.output).toBe("")
    for (const chapter of chapters) {
      const commands = [...chapter.matchAll(COMMAND)].map(([command]) => command.split(" ").slice(1))
      expect({ chapter: chapter.split("\n")[0], commands: commands.length > 0 }).toMatchObject({ commands: true })
      for (const command of commands) {
        const { code, output } = await run(...command)
        expect(code === 0 ? "" : output).toBe("")
      }
    }
  },
  LONG
)
