import { expect, test } from "bun:test"
import { folderOf, runProgram } from "../support/program.ts"

test.each(["65536", "-1", "http"])("port %p is refused in one sentence", async (port) => {
  await using folder = await folderOf({})
  const { code, stderr } = await runProgram("serve", ["--store", folder.root, `--port=${port}`])
  expect(code).toBe(1)
  expect(stderr).toContain(`, not "${port}".`)
})

test("a port that is taken is told in words, with what to do", async () => {
  await using folder = await folderOf({ "extracted_audio/dog/a.wav": "" })
  const taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() })
  const { port } = taken
  const { code, stderr } = await runProgram("serve", ["--store", folder.root, `--port=${port}`])
  await taken.stop(true)
  expect(code).toBe(1)
  expect(stderr).toContain(
    `The service cannot listen on 127.0.0.1, port ${port}: another program does, this user may not, or it is no ` +
      "address of this machine. Choose another --port or --host."
  )
})
