import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

// Processes of their own numbering, as a container has them; they end with the one that started them.
const CONTAINER = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]
const cannot = Bun.which("unshare") === null || Bun.spawnSync([...CONTAINER, "true"]).exitCode !== 0
const why = cannot ? " (skipped: this system gives no process numbers of one's own by unshare)" : ""

/** Starts a holder of the lease, after so many processes; says its number once it has the lease. */
const start = (folder: string, runId: string, before: number) => {
  const script = `${"/bin/true; ".repeat(before)}bun "$0" "$@"; true`
  const program = join(import.meta.dir, "holderProgram.ts")
  const child = Bun.spawn([...CONTAINER, "sh", "-c", script, program, folder, runId], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit"
  })
  const trains = async () => {
    let said = ""
    for await (const chunk of child.stdout) {
      said += new TextDecoder().decode(chunk)
      const number = /process (\d+) trains\n/.exec(said)?.[1]
      if (number !== undefined) return Number(number)
    }
    throw new Error(`It ended: ${said}`)
  }
  const kill = async () => {
    child.kill("SIGKILL")
    await child.exited
  }
  return { trains, kill }
}

for (const { kind, before } of [
  { kind: "and is given the number it had", before: [1, 1] },
  { kind: "and is given another number", before: [1, 3] }
] as const) {
  test.skipIf(cannot)(
    `a container that is killed while it trains, starts again ${kind}, trains again${why}`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "restart-"))
      const first = start(folder, "first", before[0])
      const number = await first.trains()
      await first.kill()
      const second = start(folder, "second", before[1])
      expect((await second.trains()) - number).toBe(before[1] - before[0])
      await second.kill()
      await rm(folder, { recursive: true })
    },
    60_000
  )
}
