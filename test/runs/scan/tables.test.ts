import { expect, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { writeTables } from "../../../src/runs/scan/tables.ts"

const event = (recording: string, start: number) => ({
  ...{ recording, start, end: start + 1, class: "dog_bark", peak: 0.9, mean: 0.8, windows: 1 }
})
const write = (folder: string, events: ReadonlyArray<ReturnType<typeof event>>) =>
  Effect.runPromise(writeTables(folder, ["raven", "csv"], events).pipe(Effect.provide(NodeServices.layer)))

test("recordings that differ in their endings alone have a table each", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ecosight-tables-"))
  const names = ["s/a.flac", "s/a.wav", "s/b.wav"]
  const paths = await write(
    folder,
    names.map((name, at) => event(`field_audio/${name}`, at))
  )
  expect(new Set(paths).size).toBe(4)
  expect((await readdir(join(folder, "s"))).toSorted()).toEqual(
    ["a.flac", "a.wav", "b"].map((name) => `${name}.Table.1.selections.txt`)
  )
  expect(await Bun.file(join(folder, "s/a.wav.Table.1.selections.txt")).text()).toContain("1.000\t2.000")
  await rm(folder, { recursive: true })
})

test("a recording whose name leaves no room for a table's ending has a table with a shorter one, and the others have theirs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ecosight-tables-"))
  const long = (end: string) => `field_audio/s/${"ä".repeat(120)}${end}.wav`
  const paths = await write(
    folder,
    [long("1"), long("2"), "field_audio/s/z.wav"].map((name, at) => event(name, at))
  )
  const names = (await readdir(join(folder, "s"))).toSorted()
  expect(new Set(paths).size).toBe(4)
  expect(names).toHaveLength(3)
  expect(names.at(0)).toBe("z.Table.1.selections.txt")
  for (const name of names.slice(1)) expect(name).toMatch(/^ä{100,}~[0-9a-f]{8}\.Table\.1\.selections\.txt$/)
  await rm(folder, { recursive: true })
})

test("where tables cannot be written, a sentence says why", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ecosight-tables-"))
  await Bun.write(join(folder, "taken"), "")
  await expect(write(join(folder, "taken"), [event("field_audio/a.wav", 0)])).rejects.toThrow(
    "cannot be written: a folder on the way to it is a file."
  )
  await rm(folder, { recursive: true })
})

test("what a person says of an event stands where a format has a place for it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ecosight-tables-"))
  const events = [event("field_audio/s/a.wav", 0), event("field_audio/s/a.wav", 5)]
  const written = writeTables(folder, ["kaleidoscope", "jsonl"], events, ({ start }) => (start === 0 ? "" : undefined))
  const [kaleidoscope, jsonl] = await Effect.runPromise(written.pipe(Effect.provide(NodeServices.layer)))
  expect((await Bun.file(kaleidoscope!).text()).split("\n").slice(1, 3)).toEqual([
    "field_audio,s,a.wav,0,0.000,1.000,dog_bark,0.900000,NoID",
    "field_audio,s,a.wav,0,5.000,1.000,dog_bark,0.900000,"
  ])
  expect(await Bun.file(jsonl!).text()).not.toContain("judged")
  await rm(folder, { recursive: true })
})
