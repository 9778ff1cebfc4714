import { expect, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Graph } from "../../../src/embedder/onnx/graph.ts"

const session = join(import.meta.dir, "../../../src/embedder/onnx/session.ts")

test("nothing is noted for anybody about what is run", async () => {
  const graph = new Graph("same")
  graph.op("Identity", [graph.input("x", [1])], {}, "y")
  graph.output("y", [1])
  const home = await mkdtemp(join(tmpdir(), "home-"))
  await Bun.write(join(home, "same.onnx"), graph.model())
  const program = `
    import { openSession } from ${JSON.stringify(session)}
    import { Effect } from "effect"
    const model = await Bun.file("${home}/same.onnx").bytes()
    await Effect.runPromise(Effect.scoped(openSession(model, 1, String)))`
  // Without CI, in which onnxruntime is silent by itself.
  const { exited } = Bun.spawn(["bun", "--eval", program], {
    cwd: import.meta.dir,
    env: { PATH: process.env.PATH, HOME: home },
    stdio: ["ignore", "inherit", "inherit"]
  })
  expect(await exited).toBe(0)
  expect((await readdir(home, { recursive: true })).filter((path) => path.includes("Microsoft"))).toEqual([])
  await rm(home, { recursive: true })
})
