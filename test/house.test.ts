import { afterAll, beforeAll, expect, test } from "bun:test"
import { cp, mkdtemp, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const ROOT = join(import.meta.dir, "..")

let copy: string
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "ecosight-house-"))
  for (const name of ["src", "pipelines", "package.json", "tsconfig.json", ".dependency-cruiser.cjs"]) {
    await cp(join(ROOT, name), join(copy, name), { recursive: true })
  }
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"))
})
afterAll(() => rm(copy, { recursive: true, force: true }))

/** What the check of rooms says of the house with these files in it besides. */
const check = async (files: Readonly<Record<string, string>>) => {
  for (const [name, content] of Object.entries(files)) await Bun.write(join(copy, name), content)
  const { exitCode, stdout } = Bun.spawnSync(["bun", "--bun", "node_modules/.bin/depcruise", "src", "pipelines"], {
    cwd: copy
  })
  for (const name of Object.keys(files)) await rm(join(copy, name))
  return { passes: exitCode === 0, says: stdout.toString() }
}

test("the house as it stands passes the check of its rooms", async () => {
  expect(await check({})).toMatchObject({ passes: true })
})

test.each([
  ["an import upwards", 'import "../service/app.ts"\n', "sound-imports-downwards"],
  [
    "an import of a type upwards",
    'import type { Runs } from "../runs/retrain.ts"\nexport type { Runs }\n',
    "sound-imports-downwards"
  ],
  [
    "an import upwards that waits",
    'export const load = () => import("../service/app.ts")\n',
    "sound-imports-downwards"
  ],
  [
    "a program that stands above",
    'import { programPath } from "../processes/programPath.ts"\nexport const program = programPath("../../pipelines/serve.ts", import.meta.url)\n',
    "sound-imports-downwards"
  ]
])("%s fails it", async (_, content, rule) => {
  const { passes, says } = await check({ "src/sound/planted.ts": content })
  expect(passes).toBe(false)
  expect(says).toContain(`${rule}: src/sound/planted.ts`)
})

test("two files that import each other fail it", async () => {
  const { passes, says } = await check({
    "src/sound/one.ts": 'import { two } from "./two.ts"\nexport const one = () => two\n',
    "src/sound/two.ts": 'import { one } from "./one.ts"\nexport const two = () => one\n'
  })
  expect(passes).toBe(false)
  expect(says).toContain("no-circles")
})

test("a file in no room fails it", async () => {
  const { passes, says } = await check({
    "src/helpers/planted.ts": "export const planted = 1\n",
    "src/sound/planted.ts": 'import "../helpers/planted.ts"\n'
  })
  expect(passes).toBe(false)
  expect(says).toContain("every-file-in-a-room")
})

test("no program is named by a plain string, which the check would not see", async () => {
  const named: Array<string> = []
  for (const folder of ["src", "pipelines"]) {
    for await (const file of new Bun.Glob("**/*.ts").scan(join(ROOT, folder))) {
      const text = await Bun.file(join(ROOT, folder, file)).text()
      for (const line of text.split("\n")) {
        if (/["'`][^"'` ]*\/[^"'` ]*\.ts["'`]/.test(line) && !/\bfrom "|^import "|\bimport\("|programPath\(/.test(line))
          named.push(line)
      }
    }
  }
  expect(named).toEqual([])
})
