import { expect, test } from "bun:test"
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { makeSlots } from "../../../src/embedder/native/slots.ts"

test.skipIf(!existsSync("/dev/shm"))(
  "what a process left that was killed before it shared its memory is removed",
  async () => {
    // No process has this number, nor the next one.
    const [forgotten, fresh] = [4_194_305, 4_194_306].map((pid) => join("/dev/shm", `ecosight-${pid}-${process.pid}`))
    for (const folder of [forgotten!, fresh!]) {
      mkdirSync(folder)
      writeFileSync(join(folder, "slots"), "left")
    }
    const hourAgo = Date.now() / 1000 - 3600
    utimesSync(forgotten!, hourAgo, hourAgo)
    try {
      const seen = await Effect.runPromise(
        Effect.scoped(
          Effect.map(makeSlots({ slots: 2, patches: 3, rows: 1 }), ({ path }) => ({
            path,
            size: readFileSync(path).length
          }))
        )
      )
      expect(seen.size).toBe(2 * (3 + 1) * 4)
      expect([forgotten!, fresh!, dirname(seen.path)].map(existsSync)).toEqual([false, true, false])
    } finally {
      for (const folder of [forgotten!, fresh!]) rmSync(folder, { recursive: true, force: true })
    }
  }
)
