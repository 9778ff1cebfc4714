#!/usr/bin/env node
import { spawn } from "node:child_process"

// What `npx ecosight-retrain` starts: with Node, so that it can say what is missing, where there is no Bun.

const given = process.argv.slice(2)
if (process.versions.bun !== undefined) {
  const { ecosight } = await import("./ecosight.ts")
  await ecosight("ecosight-retrain", given)
} else {
  const bun = spawn("bun", [import.meta.filename, ...given], { stdio: "inherit" })
  // A terminal's signals reach both.
  process.on("SIGINT", () => {})
  process.on("SIGTERM", () => bun.kill("SIGTERM"))
  bun.on("error", () => {
    console.error(
      "EcoSight runs on Bun 1.4.5, which is not on the PATH here. " +
        `With Node alone: npx -p bun@1.4.5 -p ecosight-retrain ecosight-retrain ${given.join(" ")}`
    )
    process.exitCode = 1
  })
  bun.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 143)
  })
}
