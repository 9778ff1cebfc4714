import { availableParallelism, cpus } from "node:os"
import { Effect } from "effect"

/** When and where figures were taken: the processor, its cores, and the commit. */
export const machine = Effect.promise(async () => {
  const commit = await Bun.$`git -C ${import.meta.dir} describe --always --dirty --abbrev=12`.quiet().nothrow().text()
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    system: `${process.platform} ${process.arch}`,
    bun: Bun.version,
    commit: commit.trim() || "unknown"
  }
})
