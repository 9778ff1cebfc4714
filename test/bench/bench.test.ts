import { expect, test } from "bun:test"
import { type Measurement, summarise } from "../../bench/measure.ts"
import { ratioTo } from "../../bench/peers.ts"
import { MAX_AUGMENTATIONS } from "../../src/augment/variants.ts"
import { resultOf, runProgram } from "../support/program.ts"

const quantity = { unit: "patches/s", lowerIsBetter: false }

test("a figure is the median, and its spread the tenth and the ninetieth percentile", () => {
  const values = Array.from({ length: 11 }, (_, i) => 10 * ((i * 7) % 11))
  expect(summarise("network", "x", quantity, values)).toMatchObject({ low: 10, median: 50, high: 90, samples: 11 })
  expect(summarise("network", "x", quantity, [3])).toMatchObject({ low: 3, median: 3, high: 3 })
  expect(summarise("network", "x", quantity, [30, 10]).median).toBe(20)
})

const peer = (row: string, what: string, median: number) => ({
  peer: "Peer 1",
  row,
  what,
  median,
  low: median,
  high: median,
  samples: 5
})

test("ratios are how many times as fast, whether more or less of the unit is better", () => {
  const speed = summarise("transforms", "pitch_up", quantity, [300])
  expect(ratioTo(speed, [peer("transforms", "pitch_up", 100), peer("transforms", "pitch_down", 1)])?.ratio).toBe(3)
  const time: Measurement = summarise("training", "native, batch 64", { unit: "ms", lowerIsBetter: true }, [200])
  expect(ratioTo(time, [peer("training", "batch 64", 400), peer("training", "batch 256", 10)])?.ratio).toBe(2)
  expect(ratioTo(time, [])).toBeUndefined()
  const rate = summarise("resample", "48,000 Hz", quantity, [2])
  expect(ratioTo(rate, [peer("resample", "8,000 Hz", 1)])).toBeUndefined()
})

test("the network is compared with the peer's best batch, on the same threads", () => {
  const peers = [peer("network", "batch 8", 100), peer("network", "batch 32", 300), peer("network", "batch 128", 200)]
  expect(ratioTo(summarise("network", "native, 2 threads, batch 32", quantity, [900]), peers)?.ratio).toBe(3)
  expect(ratioTo(summarise("network", "native, 1 thread, batch 32", quantity, [900]), peers)).toBeUndefined()
})

test("recordings that are not there are refused in one sentence", async () => {
  const { code, stderr } = await runProgram("bench", ["--recordings", "/no/such/folder"])
  expect(code).toBe(1)
  expect(stderr).toContain("There is no folder /no/such/folder.")
  expect(stderr).not.toContain("    at ")
})

test("the command measures the rows asked for on synthesised sounds, and says which peers are absent", async () => {
  const args = ["--only", "front-end, transforms", "--seconds", "0", "--python", "no-such-python", "--json"]
  const run = await runProgram("bench", args)
  expect(run.code).toBe(0)
  const { rows, absent, machine } = resultOf(run) as {
    readonly rows: ReadonlyArray<Measurement>
    readonly absent: ReadonlyArray<string>
    readonly machine: object
  }
  expect(rows.map(({ row }) => row)).toEqual([
    ...Array(2).fill("front-end"),
    ...Array(MAX_AUGMENTATIONS).fill("transforms")
  ])
  for (const { low, median, high, samples } of rows) {
    expect(low).toBeGreaterThan(0)
    expect(median).toBeGreaterThanOrEqual(low)
    expect(high).toBeGreaterThanOrEqual(median)
    expect(samples).toBeGreaterThanOrEqual(5)
  }
  expect(absent).toEqual(["librosa: there is no no-such-python; name a Python with --python"])
  expect(Object.keys(machine)).toContain("processor")
  expect(run.stdout).toContain("time_stretch_fast")
})

test("rows that do not exist, and folders without recordings, are one sentence", async () => {
  const unknown = await runProgram("bench", ["--only", "decode,speed"])
  expect(unknown.code).not.toBe(0)
  expect(unknown.stderr).toContain("There is no row speed: rows are decode, resample")
  const empty = await runProgram("bench", ["--only", "decode", "--recordings", import.meta.dir])
  expect(empty.code).not.toBe(0)
  expect(empty.stderr).toContain("holds no recordings in extracted_audio")
})
