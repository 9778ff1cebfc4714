import { afterAll, beforeAll, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

// Follows docs/adding.md in a copy of the sources: pastes every block of code where the page says, then runs the check
// and the tests that it names.

const ROOT = resolve(import.meta.dir, "../..")
const FOLDERS = ["src", "pipelines", "bench", "test", "docs"]
const FILES = ["package.json", "tsconfig.json", ".dependency-cruiser.cjs", "biome.json", "bunfig.toml"]
const LONG = 300_000

const NEW_FILE = /New file `([^`]+)`:\n\n```\w+\n(.*?)^```/gms
const INSERTION = /[Ii]n `([^`]+)`, (above|in place of) `([^`]+)`:\n\n```\w+\n(.*?)^```/gms
const COMMAND = /^bun test .*$/gm

const page = await readFile(join(ROOT, "docs/adding.md"), "utf8")
const chapters = page
  .split(/^## /m)
  .slice(1)
  .map((text) => {
    const insertions = [...text.matchAll(INSERTION)].map(([, path, where, anchor, code]) => ({
      path: path!,
      replaces: where === "in place of",
      anchor: anchor!,
      code: code!
    }))
    return {
      title: text.split("\n")[0]!,
      files: [...text.matchAll(NEW_FILE)].map(([, path, code]) => ({ path: path!, code: code! })),
      insertions,
      commands: [...text.matchAll(COMMAND)].map(([command]) => command.split(" ").slice(1))
    }
  })

let copy: string
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "ecosight-adding-"))
  for (const name of [...FOLDERS, ...FILES]) await cp(join(ROOT, name), join(copy, name), { recursive: true })
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"))
}, LONG)
afterAll(() => rm(copy, { recursive: true, force: true }))

/** Pastes lines above, or in place of, the one line of a file that is `anchor`, whatever its indentation. */
const insert = async ({ path, replaces, anchor, code }: (typeof chapters)[number]["insertions"][number]) => {
  const lines = (await readFile(join(copy, path), "utf8")).split("\n")
  const places = lines.flatMap((line, at) => (line.trim() === anchor ? [at] : []))
  expect({ path, anchor, places: places.length }).toEqual({ path, anchor, places: 1 })
  lines.splice(places[0]!, replaces ? 1 : 0, code.replace(/\n$/, ""))
  await writeFile(join(copy, path), lines.join("\n"))
}

/** What a command complains of; nothing where it succeeds. */
const complaints = async (command: ReadonlyArray<string>) => {
  const child = Bun.spawn([process.execPath, ...command], { cwd: copy, stdout: "pipe", stderr: "pipe" })
  const [said, complained] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return (await child.exited) === 0 ? "" : said + complained
}

test(
  "what docs/adding.md has one paste passes the check",
  async () => {
    for (const { files, insertions } of chapters) {
      for (const { path, code } of files) {
        expect(existsSync(join(copy, path))).toBe(false)
        await Bun.write(join(copy, path), code)
      }
      for (const insertion of insertions) await insert(insertion)
    }
    expect(await complaints(["run", "check"])).toBe("")
  },
  LONG
)

for (const { title, commands } of chapters) {
  test(
    `${title}, added as docs/adding.md says, passes its tests`,
    async () => {
      expect(commands).not.toEqual([])
      for (const command of commands) expect(await complaints(command)).toBe("")
    },
    LONG
  )
}
