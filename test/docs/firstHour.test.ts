import { afterAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeOnnxEmbedder } from "../support/onnxEmbedder.ts"

// Follows docs/first-hour.md in an empty folder: does every command, in order, and looks for what the page says it says. An
// embedder that hears in no time takes YAMNet's place: what the commands do with it is the same.

const ROOT = join(import.meta.dir, "../..")
const STEP = /^```sh\n(.*?)^```(?:(?:(?!^```).)*?^```text\n(.*?)^```)?/gms

const page = await Bun.file(join(ROOT, "docs/first-hour.md")).text()
const steps = page.split(/^## /m).flatMap((chapter) =>
  [...chapter.matchAll(STEP)].map(([, commands, says]) => ({
    commands: commands!.trim().split("\n"),
    says: (says ?? "").split("\n").filter((line) => line !== "")
  }))
)

const folder = await mkdtemp(join(tmpdir(), "ecosight-first-hour-"))
const inBackground: Array<Bun.Subprocess> = []
afterAll(async () => {
  for (const child of inBackground) child.kill()
  await Promise.all(inBackground.map(({ exited }) => exited))
  await rm(folder, { recursive: true, force: true })
})

/** A port that is free now. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

test("the tour leads where it says", async () => {
  const port = await freePort()
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    EMBEDDER: await writeOnnxEmbedder(folder),
    FIELD_MINUTES: "0",
    PORT: String(port)
  }
  const spawn = (command: string) => {
    const here = command
      .replace(/^bun run ([\w-]+)/, (_, name) => `exec bun ${ROOT}/pipelines/${name}.ts`)
      .replaceAll("127.0.0.1:8000", `127.0.0.1:${port}`)
    return Bun.spawn(["sh", "-c", here], { cwd: folder, env, stdout: "pipe", stderr: "pipe" })
  }
  const served = async () => {
    while ((await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined))?.status !== 200) await Bun.sleep(100)
  }
  expect(steps.length).toBeGreaterThan(4)
  for (const { commands, says } of steps) {
    let said = ""
    for (const command of commands) {
      if (command.endsWith(" &")) {
        inBackground.push(spawn(command.slice(0, -2)))
        await served()
        continue
      }
      const child = spawn(command)
      const [out, complaints] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text()
      ])
      said += out + complaints
      expect({ command, code: await child.exited, said }).toMatchObject({ code: 0 })
    }
    for (const line of says) expect(said).toContain(line)
  }
}, 300_000)
