import { expect, test } from "bun:test"
import { folderOf, runProgram } from "../support/program.ts"

test.each(["65536", "-1", "http"])("port %p is refused in one sentence", async (port) => {
  await using folder = await folderOf({})
  const { code, stderr } = await runProgram("serve", ["--store", folder.root, `--port=${port}`])
  expect(code).toBe(1)
  expect(stderr).toContain(`Invalid value for flag --port: "${port}"`)
})
