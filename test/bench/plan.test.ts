import { expect, test } from "bun:test"
import { resultOf, runProgram } from "../support/program.ts"

test("says for each number of workers how long, what it costs and what it waits for, and what it assumes", async () => {
  const { code, stdout } = await runProgram("plan", ["--recordings", "10e6", "--workers", "1,8,64"])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^workers +list +embed +train +in all +cost +waits for/m)
  expect(stdout.match(/^(1|8|64) .* (cores|coordinator|S3 writes) /gm)).toHaveLength(3)
  expect(stdout).toContain("10,000,000 recordings in 78,125 shards of 128")
  expect(stdout).toContain("engineRate")
})

test("its flags change the estimate, and --json has the figures", async () => {
  const estimates = async (...args: ReadonlyArray<string>) => {
    const result = await runProgram("plan", ["--recordings", "1e6", "--workers", "4", "--json", ...args])
    return (resultOf(result) as { estimates: ReadonlyArray<{ embed: number; puts: number; workers: number }> })
      .estimates
  }
  const [usual] = await estimates()
  const [faster] = await estimates("--gpu", "--engine-rate", "20000", "--no-audit")
  expect(usual!.workers).toBe(4)
  expect(faster!.embed).toBeLessThan(usual!.embed)
  expect(faster!.puts).toBeLessThan(usual!.puts)
})

test.each([
  [["--recordings", "many"], "recordings"],
  [["--recordings", "1.5"], "recordings"],
  [["--recordings", "10", "--workers", "1,x"], "workers"],
  [["--recordings", "10", "--engine-rate", "0"], "engine-rate"],
  [[], "recordings"]
])("%p is refused, by the flag's name", async (args, flag) => {
  const { code, stderr } = await runProgram("plan", args)
  expect(code).toBe(1)
  expect(stderr).toContain(flag)
})
