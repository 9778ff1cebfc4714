import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Option, Stream } from "effect"
import { parquetReadObjects } from "hyparquet"
import { isMeant } from "../../../src/runs/scan/fieldRecordings.ts"
import { folderStore } from "../../../src/store/folder.ts"
import { Store } from "../../../src/store/store.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { ascii, chunk, concatenate } from "../../support/pcmFiles.ts"
import { fill, keysIn, succeed } from "../../support/runWorld.ts"
import { EVENTS, eventsIn, fieldRecording, rescanOn, scanOn, train, trainedStore } from "../../support/scanWorld.ts"
import { tinyTapped } from "../../support/tinyEmbedder.ts"

setDefaultTimeout(120_000)

const RIDGE = "field_audio/ridge/20250612_050000.wav"
const VALLEY = "field_audio/valley/a.wav"

/** A store with a model and two recordings, of 70 and 41 seconds. */
const world = async () => {
  const { objects, store, runId } = await trainedStore()
  await fill(store, [
    [RIDGE, fieldRecording(70, 1)],
    [VALLEY, fieldRecording(41, 2)]
  ])
  return { objects, store, runId }
}

describe("scan", () => {
  test("hears every recording once, and a rescan hears the same events to the bit", async () => {
    const { objects, store, runId } = await world()
    const summary = await scanOn(store)
    expect(summary).toMatchObject({ recordings: 2, heard: 2, model: runId, skipped: [], repaired: [] })
    expect(summary.hours * 3600).toBeCloseTo(111, 3)
    const events = await eventsIn(store, runId)
    expect(events.length).toBeGreaterThan(1)
    expect(Object.values(summary.events).reduce((sum, count) => sum + count, 0)).toBe(events.length)
    for (const { start, end, peak, mean } of events) {
      expect(start).toBeLessThan(end)
      expect(mean).toBeLessThanOrEqual(peak)
    }
    const parts = new Map([...objects].filter(([key]) => key.startsWith("events/")))
    for (const key of parts.keys()) objects.delete(key)
    // Audio is not touched.
    objects.delete(RIDGE)
    objects.delete(VALLEY)
    const again = await rescanOn(store)
    expect(again).toMatchObject({ model: runId, against: null, recordings: 2, judged: 2, changes: null })
    expect(await eventsIn(store, runId)).toEqual(events)
    expect(new Map([...objects].filter(([key]) => key.startsWith("events/")))).toEqual(parts)
  })

  test("judges a recording anew whose events are damaged, and sets these aside; so does a rescan", async () => {
    const { objects, store, runId } = await world()
    const { events } = await scanOn(store)
    const before = await eventsIn(store, runId)
    const parts = [...objects.keys()].filter((key) => /^events\/.*\.parquet$/.test(key))
    const damage = [new Uint8Array(), new TextEncoder().encode("no table"), objects.get(parts[0]!)!.slice(0, 200)]
    for (const bytes of damage) {
      objects.set(parts[0]!, bytes)
      expect(await scanOn(store)).toMatchObject({ heard: 0, events })
      expect(await eventsIn(store, runId)).toEqual(before)
      expect(objects.get(parts[0]!.replace(`/${runId}/`, `/${runId}/damaged/`))).toEqual(bytes)
      objects.set(parts[1]!, bytes)
      expect(await rescanOn(store)).toMatchObject({ events: before.length })
      expect(await eventsIn(store, runId)).toEqual(before)
    }
    // Of what was told from windows that are damaged as well, nothing is left to judge; the next scan hears it again.
    for (const [key, bytes] of objects) {
      if (!/^(events|scans)\/[^/]+\/[^/]+\.parquet$/.test(key)) continue
      objects.set(key, bytes.with(5000 % bytes.length, bytes[5000 % bytes.length]! ^ 1))
      if (key.startsWith("events/")) objects.set(key, new Uint8Array())
    }
    expect(await scanOn(store)).toMatchObject({ heard: 0, events: {} })
    expect(await scanOn(store)).toMatchObject({ heard: 2, events })
    expect(await eventsIn(store, runId)).toEqual(before)
  })

  test("hears only what is new, by content: a copy or a moved recording is not heard again", async () => {
    const { objects, store, runId } = await world()
    await scanOn(store)
    const before = await eventsIn(store, runId)
    expect((await scanOn(store)).patches).toBe(0)
    objects.set("field_audio/valley/copy of a.wav", objects.get(VALLEY)!)
    objects.set("field_audio/summit/b.wav", objects.get(RIDGE)!)
    objects.delete(RIDGE)
    const moved = await scanOn(store)
    expect(moved).toMatchObject({ recordings: 3, heard: 0, patches: 0 })
    const after = await eventsIn(store, runId)
    const places = new Map([[RIDGE, "field_audio/summit/b.wav"]])
    expect(after).toEqual(
      before
        .map((event) => ({ ...event, recording: places.get(event.recording) ?? event.recording }))
        .sort((a, b) => (a.recording < b.recording ? -1 : a.recording > b.recording ? 1 : a.start - b.start))
    )
    // What was found to be a copy is not read again.
    expect((await keysIn(store, "scans/seen/")).length).toBe(1)
    expect(await scanOn(store)).toMatchObject({ heard: 0, patches: 0 })
  })

  test("what was heard with fewer vectors is judged by these where it lies there no more, else heard again", async () => {
    const { objects, store, runId } = await world()
    await scanOn(store)
    const before = await eventsIn(store, runId)
    const forget = () => {
      for (const key of objects.keys()) if (key.startsWith("events/")) objects.delete(key)
    }
    expect(before.some(({ recording }) => recording === VALLEY)).toBe(true)
    await expect(rescanOn(store, {}, tinyTapped)).rejects.toThrow(
      "Of 2 field recordings fewer vectors are stored than are kept now: bun run scan hears them again."
    )
    objects.delete(RIDGE)
    forget()
    expect(await rescanOn(store, {}, tinyTapped)).toMatchObject({ recordings: 1, judged: 1 })
    const ofRidge = before.filter(({ recording }) => recording === RIDGE)
    expect(await eventsIn(store, runId)).toEqual(ofRidge)

    const summary = await scanOn(store, {}, {}, tinyTapped)
    expect(summary).toMatchObject({ recordings: 1, heard: 1, skipped: [] })
    expect(summary.storedHours * 3600).toBeCloseTo(111, 3)
    expect(await eventsIn(store, runId)).toEqual(before)
    forget()
    expect(await rescanOn(store, {}, tinyTapped)).toMatchObject({ recordings: 2, judged: 2 })
    expect(await eventsIn(store, runId)).toEqual(before)
  })

  test("a version that takes more vectors than are stored of a recording that is gone leaves it out", async () => {
    const { objects, store, runId: before } = await world()
    await scanOn(store)
    objects.delete(RIDGE)
    const options = { epochs: 40, seed: 0, promotion: "always", audit: false } as const
    const { runId } = await succeed(store, options, {}, undefined, [], tinyTapped)
    await scanOn(store, {}, {}, tinyTapped)
    const told = await eventsIn(store, runId)
    expect(new Set(told.map(({ recording }) => recording))).toEqual(new Set([VALLEY]))
    // Nor is what the version before hears there lost: it is compared where both can judge.
    const rescanned = await rescanOn(store, {}, tinyTapped)
    expect(rescanned).toMatchObject({ recordings: 1, events: told.length, against: before })
    expect(rescanned.hours * 3600).toBeCloseTo(41, 3)
    expect(rescanned.changes!.lost.every(({ recording }) => recording === VALLEY)).toBe(true)
    expect((await eventsIn(store, before)).some(({ recording }) => recording === RIDGE)).toBe(true)
    await expect(rescanOn(store)).rejects.toThrow(
      `The version ${runId} takes more vectors of a window than tiny gives here: a later version of this program made it.`
    )
  })

  test("two copies that land together are heard once", async () => {
    const { objects, store } = await world()
    objects.set("field_audio/ridge/twin.wav", objects.get(RIDGE)!)
    const summary = await scanOn(store)
    expect(summary).toMatchObject({ recordings: 3, heard: 2, skipped: [] })
  })

  test("recordings that begin alike and have one size are all heard, and copies among them once", async () => {
    const { objects, store } = await world()
    const like = (last: number) => {
      const bytes = new Uint8Array(objects.get(RIDGE)!)
      bytes[bytes.length - 2] = last
      return bytes
    }
    for (const [at, last] of [1, 2, 3, 3, 4].entries()) objects.set(`field_audio/ridge/like${at}.wav`, like(last))
    expect(await scanOn(store)).toMatchObject({ recordings: 7, heard: 6, skipped: [] })
    expect(await scanOn(store)).toMatchObject({ heard: 0, patches: 0 })
  })

  test("names what cannot be heard, and what was repaired, and hears the rest", async () => {
    const { objects, store, runId } = await world()
    objects.set("field_audio/ridge/damaged.wav", new TextEncoder().encode("no sound at all"))
    objects.set("field_audio/ridge/empty.wav", new Uint8Array())
    objects.set("field_audio/ridge/cut.wav", fieldRecording(30, 3).slice(0, 200_000))
    objects.set("field_audio/ridge/notes.txt", new TextEncoder().encode("0\t1\tdog"))
    const summary = await scanOn(store)
    expect(summary.heard).toBe(3)
    expect(summary.skipped.map(({ key }) => key).sort()).toEqual([
      "field_audio/ridge/damaged.wav",
      "field_audio/ridge/empty.wav"
    ])
    expect(summary.repaired.map(({ key }) => key)).toEqual(["field_audio/ridge/cut.wav"])
    const parts = [...objects].filter(([key]) => key.startsWith(`events/${runId}/`) && key.endsWith(".parquet"))
    const rows = await Promise.all(
      parts.map(([, bytes]) => parquetReadObjects({ file: bytes.slice().buffer, columns: ["recording", "repairs"] }))
    )
    const told = new Map(rows.flat().map(({ recording, repairs }) => [recording, repairs]))
    expect(told.get("field_audio/ridge/cut.wav")).toBe(summary.repaired[0]!.note)
    expect(told.get(RIDGE)).toBe("")
  })

  test("names a recording whose name is not UTF-8, and a pipe, as such, for they are not empty", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ecosight-names-"))
    const ridge = join(folder, "field_audio/ridge")
    await mkdir(ridge, { recursive: true })
    const name = Buffer.concat([Buffer.from(`${ridge}/gr`), Buffer.from([0xfc]), Buffer.from("n.wav")])
    await writeFile(name, fieldRecording(3, 1))
    const { skipped } = await scanOn(folderStore(folder))
    expect(skipped.map(({ reason }) => reason)).toEqual([expect.stringMatching(/not UTF-8.*rename it/)])
    await Bun.$`mkfifo ${ridge}/pipe.wav`
    const again = await scanOn(folderStore(folder))
    expect(again.skipped.map(({ reason }) => reason).toSorted()).toEqual([
      `${ridge}/pipe.wav cannot be read: it is a named pipe, and no file.`,
      expect.stringMatching(/not UTF-8/)
    ])
    await rm(folder, { recursive: true })
  })

  test("other thresholds judge what is stored anew, and replace the events", async () => {
    const { store, runId } = await world()
    await scanOn(store)
    const usual = await eventsIn(store, runId)
    const strict = { ...EVENTS, threshold: 0.9999 }
    expect(await scanOn(store, { events: strict })).toMatchObject({ heard: 0, patches: 0 })
    const fewer = await eventsIn(store, runId)
    expect(fewer.length).toBeLessThan(usual.length)
    expect((await keysIn(store, `events/${runId}/`)).filter((key) => key.endsWith(".parquet")).length).toBe(2)
    await scanOn(store)
    expect(await eventsIn(store, runId)).toEqual(usual)
  })

  test("events that other settings left behind are removed, and do not count twice", async () => {
    const { objects, store, runId } = await world()
    await scanOn(store)
    const left = [...objects].filter(([key]) => key.startsWith("events/") && key.endsWith(".parquet"))
    const strict = { ...EVENTS, threshold: 0.9999 }
    await scanOn(store, { events: strict })
    const events = await eventsIn(store, runId)
    // As a scan by the other settings leaves them that is killed, or runs at the same time.
    for (const [key, bytes] of left) objects.set(key, bytes)
    expect(await eventsIn(store, runId)).toEqual(events)
    const again = await scanOn(store, { events: strict })
    expect(await eventsIn(store, runId)).toEqual(events)
    expect(Object.values(again.events).reduce((sum, count) => sum + count, 0)).toBe(events.length)
  })

  test("of two scans at once each tells its own events, and the store has those of the one that began last", async () => {
    const { objects, store, runId } = await world()
    await scanOn(store)
    const usual = await eventsIn(store, runId)
    for (const key of [...objects.keys()]) if (key.startsWith("events/")) objects.delete(key)
    const strict = { ...EVENTS, threshold: 0.97 }
    // The first waits before its first part is written, until the other one has ended.
    const gate = Promise.withResolvers<void>()
    const held = Store.of({
      ...store,
      put: (key, bytes, condition) =>
        Effect.andThen(
          key.endsWith(".parquet") ? Effect.promise(() => gate.promise) : Effect.void,
          store.put(key, bytes, condition)
        )
    })
    const first = scanOn(held)
    while (!objects.has(`events/${runId}/told.json`)) await Bun.sleep(1)
    const second = await scanOn(store, { events: strict })
    gate.resolve()
    const count = (events: Readonly<Record<string, number>>) => Object.values(events).reduce((sum, one) => sum + one, 0)
    expect(count((await first).events)).toBe(usual.length)
    expect(count(second.events)).toBeLessThan(usual.length)
    const left = await eventsIn(store, runId)
    expect(left.length).toBe(count(second.events))
    expect(left.every(({ peak }) => peak >= 0.97)).toBe(true)
    // Another scan leaves one part of each recording.
    expect((await scanOn(store, { events: strict })).events).toEqual(second.events)
    expect((await keysIn(store, `events/${runId}/`)).filter((key) => key.endsWith(".parquet")).length).toBe(2)
  })

  test("one site alone is heard where it is asked for", async () => {
    const { store, runId } = await world()
    expect(await scanOn(store, { site: "valley" })).toMatchObject({ recordings: 1, heard: 1 })
    expect((await eventsIn(store, runId)).every(({ recording }) => recording === VALLEY)).toBe(true)
  })

  test("a recording that was moved stays where it lies when its old site alone is asked for", async () => {
    const { objects, store, runId } = await world()
    const moved = "field_audio/summit/b.wav"
    await scanOn(store)
    objects.set(moved, objects.get(RIDGE)!)
    objects.delete(RIDGE)
    await scanOn(store)
    const events = await eventsIn(store, runId)
    expect(events.some(({ recording }) => recording === moved)).toBe(true)
    expect(await scanOn(store, { site: "ridge" })).toMatchObject({ recordings: 0, events: {} })
    expect(await eventsIn(store, runId)).toEqual(events)
  })

  test("without a model vectors are stored, from which a later one's events come", async () => {
    const objects = new Map([[RIDGE, fieldRecording(40, 1)]])
    const store = memoryStore(objects)
    expect(await scanOn(store)).toMatchObject({ heard: 1, model: null, events: {} })
    const runId = await train(store)
    expect(await scanOn(store)).toMatchObject({ heard: 0, patches: 0, model: runId })
    expect((await eventsIn(store, runId)).length).toBeGreaterThan(0)
  })

  test("a recording whose stored windows are damaged is heard again", async () => {
    const { objects, store, runId } = await world()
    await scanOn(store)
    const events = await eventsIn(store, runId)
    for (const [key, bytes] of objects) {
      if (/^scans\/[0-9a-f]+\//.test(key))
        objects.set(
          key,
          bytes.map((byte, at) => (at > 200 && at < 900 ? 7 : byte))
        )
    }
    for (const key of [...objects.keys()]) if (key.startsWith("events/")) objects.delete(key)
    // Damage may show only when vectors are read, after the scan has taken them for whole.
    await scanOn(store)
    await scanOn(store)
    expect(await eventsIn(store, runId)).toEqual(events)
  })
})

test("events tell the time by the recorder's clock, as the name or the header has it, and gaps are told of", async () => {
  const { store, runId } = await world()
  await fill(store, [["field_audio/ridge/20250612_051000.wav", fieldRecording(40, 4)]])
  const { odd } = await scanOn(store)
  const events = await eventsIn(store, runId)
  const first = events.find(({ recording }) => recording === RIDGE)!
  expect(first.at!.slice(0, 19)).toBe(
    new Date(Date.UTC(2025, 5, 12, 5) + first.start * 1000).toISOString().slice(0, 19)
  )
  // Of one form, so that programs read them as a column of times.
  expect(events.every(({ at = "T05:00:00.000" }) => /T\d\d:\d\d:\d\d\.\d{3}$/.test(at))).toBe(true)
  expect(events.filter(({ recording }) => recording === VALLEY).every(({ at }) => at === undefined)).toBe(true)
  expect(odd.map(({ key }) => key)).toEqual(["field_audio/ridge/20250612_051000.wav"])
  expect(await scanOn(store, { since: "2025-06-12T05:05:00" })).toMatchObject({ recordings: 1, undated: 1 })
})

test("a recording that has got a better name since it was heard starts when that says, everywhere", async () => {
  const { objects, store, runId } = await world()
  const [wrong, right] = ["field_audio/ridge/20251341_050000.wav", "field_audio/ridge/20250613_073000.wav"]
  objects.set(wrong, fieldRecording(22, 6))
  await scanOn(store)
  const move = (from: string, to: string) => {
    objects.set(to, objects.get(from)!)
    objects.delete(from)
  }
  move(wrong, right)
  const since = "2025-06-13"
  expect(await scanOn(store, { since })).toMatchObject({ recordings: 1, heard: 0, undated: 1 })
  expect(await rescanOn(store, { since, site: "ridge" })).toMatchObject({ recordings: 1, undated: 0 })
  // A clock that was put right.
  move(RIDGE, "field_audio/ridge/20250614_050000.wav")
  expect(await scanOn(store, { since, site: "ridge" })).toMatchObject({ recordings: 2, heard: 0 })
  const days = new Set((await eventsIn(store, runId)).map(({ recording, at }) => `${recording} ${at?.slice(0, 10)}`))
  expect([...days]).toEqual([
    "field_audio/ridge/20250613_073000.wav 2025-06-13",
    "field_audio/ridge/20250614_050000.wav 2025-06-14",
    `${VALLEY} undefined`
  ])
  // One that says nothing leaves what was found.
  move("field_audio/ridge/20250614_050000.wav", "field_audio/ridge/dawn.wav")
  expect(await scanOn(store)).toMatchObject({ recordings: 3, heard: 0 })
  expect(await scanOn(store, { since: "2025-06-12" })).toMatchObject({ recordings: 2, heard: 0, undated: 1 })
})

test("since leaves out what tells no time, by name or header, and says how many, before it is heard and after", async () => {
  const { store } = await world()
  const sound = fieldRecording(12, 6)
  const comment = "Recorded at 06:00:00 12/06/2025 (UTC) by AudioMoth 24F3190361DA3578 at medium gain."
  const info = concatenate(ascii("INFO"), chunk("ICMT", ascii(comment)))
  await fill(store, [
    ["field_audio/ridge/20251341_050000.wav", sound],
    ["field_audio/ridge/20250612_256199.wav", fieldRecording(12, 7)],
    ["field_audio/ridge/dated.wav", concatenate(fieldRecording(12, 8), chunk("LIST", info))]
  ])
  const since = "2025-06-12T05:30:00"
  for (const heard of [1, 0]) expect(await scanOn(store, { since })).toMatchObject({ recordings: 1, heard, undated: 3 })
  await scanOn(store)
  expect(await scanOn(store, { since })).toMatchObject({ recordings: 1, heard: 0, undated: 3 })
  expect(await scanOn(store, { since, site: "ridge" })).toMatchObject({ recordings: 1, undated: 2 })
  expect(await scanOn(store)).toMatchObject({ recordings: 5, undated: 0 })
  await train(store, 7)
  expect(await rescanOn(store, { since })).toMatchObject({ recordings: 1, undated: 3 })
})

describe("rescan", () => {
  test("tells what another model hears otherwise", async () => {
    const { store, runId } = await world()
    await scanOn(store)
    const other = await train(store, 7)
    const { changes, model, against } = await rescanOn(store)
    expect([model, against]).toEqual([other, runId])
    const [before, after] = [await eventsIn(store, runId), await eventsIn(store, other)]
    expect(changes!.same + changes!.moved.length + changes!.lost.length).toBe(before.length)
    expect(changes!.same + changes!.moved.length + changes!.gained.length).toBe(after.length)
  })

  test("of recordings that were copied with their store, it says that a scan finds them again", async () => {
    const { store } = await world()
    await expect(rescanOn(store)).rejects.toThrow("was heard yet: bun run scan hears them.")
    await scanOn(store)
    const stamped = <A extends { readonly etag: string }>(own: A): A => ({ ...own, etag: `${own.etag}-2` })
    const copy: Store["Service"] = {
      ...store,
      list: (prefix, after) => Stream.map(store.list(prefix, after), stamped),
      find: (key) => Effect.map(store.find(key), Option.map(stamped)),
      get: (key) => Effect.map(store.get(key), stamped),
      put: (key, bytes, ...more) => Effect.map(store.put(key, bytes, ...more), stamped)
    }
    const again = "was heard as it is now: bun run scan looks into them, and hears only what is new."
    await expect(rescanOn(copy)).rejects.toThrow(`None of the field recordings in ${store.location} ${again}`)
    await expect(rescanOn(copy, { since: "2025-06-12" })).rejects.toThrow(`of that site and time ${again}`)
    await expect(rescanOn(copy, { site: "nowhere" })).rejects.toThrow("that was heard is of that site and time.")
    expect(await scanOn(copy)).toMatchObject({ heard: 0, patches: 0 })
    expect(await rescanOn(copy)).toMatchObject({ recordings: 2 })
  })
})

test("since is by the recorders' clocks, wherever the machine is; with an offset it is an instant", () => {
  const before = process.env.TZ
  try {
    for (const zone of ["Australia/Brisbane", "America/New_York", "UTC"]) {
      process.env.TZ = zone
      const isNew = (since: string, startedAt: string) => isMeant({ since }, "field_audio/a.wav", startedAt)
      expect(isNew("2025-06-12", "2025-06-12T00:00:00")).toBe(true)
      expect(isNew("2025-06-12", "2025-06-12T05:00:00+10:00")).toBe(true)
      expect(isNew("2025-06-12", "2025-06-11T23:59:59-11:00")).toBe(false)
      expect(isNew("2025-06-12T05:00:01", "2025-06-12T05:00:00")).toBe(false)
      expect(isNew("2025-06-12T05:00:00", "2025-06-12T05:00:00+10:00")).toBe(true)
      expect(isNew("2025-06-12T05:00:00Z", "2025-06-12T05:00:00+10:00")).toBe(false)
      expect(isNew("2025-06-12T05:00:00+10:00", "2025-06-11T19:00:00Z")).toBe(true)
      expect(isNew("2025-06-12T05:00:00Z", "2025-06-12T05:00:00")).toBe(true)
    }
  } finally {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  }
})

/** Has a version know so of its test in the field. */
const tested = (objects: Map<string, Uint8Array>, runId: string, field: object) => {
  const key = `models/versions/${runId}/model_metadata.json`
  const metadata = JSON.parse(new TextDecoder().decode(objects.get(key)))
  objects.set(key, new TextEncoder().encode(JSON.stringify({ ...metadata, field })))
}

test("tells events for so many false alarms an hour as the model had in its soundscapes", async () => {
  const { objects, store, runId } = await world()
  // With their intervals, of which the high end counts.
  const figures = (...highs: ReadonlyArray<number>) => highs.map((high) => ({ value: high / 2, low: 0, high }))
  const field = {
    false_alarms_per_hour: [1, 5, 20],
    classes: { dog_bark: { thresholds: figures(1, 0.9, 0.2) }, gun_shot: { thresholds: figures(1, 1, 0.3) } }
  }
  tested(objects, runId, field)
  const peaks = async () => {
    const events = await eventsIn(store, runId)
    return (name: string) => Math.min(...events.filter((event) => event.class === name).map(({ peak }) => peak))
  }
  expect(await scanOn(store)).toMatchObject({ alarmsPerHour: 5, thresholds: { dog_bark: 0.9, gun_shot: 1 } })
  expect((await peaks())("dog_bark")).toBeGreaterThanOrEqual(0.9)
  const more = await scanOn(store, { events: { alarms: 20, perClass: {} } })
  expect(more).toMatchObject({ patches: 0, alarmsPerHour: 20, thresholds: { dog_bark: 0.2, gun_shot: 0.3 } })
  const least = await peaks()
  expect(least("dog_bark")).toBeWithin(0.2, 0.9)
  expect(least("gun_shot")).toBeWithin(0.3, 1)
  // A probability that is asked for goes before, for all classes or for one.
  const asked = await scanOn(store, { events: { alarms: 1, threshold: 0.6, perClass: { dog_bark: 0.7 } } })
  expect(asked).toMatchObject({ alarmsPerHour: null, thresholds: { dog_bark: 0.7, gun_shot: 0.6 } })
  const one = await scanOn(store, { events: { alarms: 20, perClass: { dog_bark: 0.7 } } })
  expect(one).toMatchObject({ alarmsPerHour: 20, thresholds: { dog_bark: 0.7, gun_shot: 0.3 } })
  // Nothing is promised of what was asked for, or was not tested.
  expect([asked.tested, one.tested, one.untested]).toEqual([[], ["gun_shot"], []])
  const { gun_shot } = field.classes
  tested(objects, runId, { ...field, classes: { gun_shot } })
  const some = { tested: ["gun_shot"], untested: ["dog_bark"], alarmsPerHour: 5, thresholds: { dog_bark: 0.5 } }
  expect(await scanOn(store)).toMatchObject(some)
  // Where nothing of a class was there to be found, what was heard of it was false; below what is usual it is not told.
  for (const [high, least] of [
    [0.3, 0.5],
    [0.95, 0.95]
  ] as const) {
    const dog_bark = { events: 0, thresholds: figures(1, high, 0.2) }
    const classes = { gun_shot, dog_bark }
    tested(objects, runId, { ...field, classes })
    const quiet = { tested: ["gun_shot"], silent: ["dog_bark"], untested: [], thresholds: { dog_bark: least } }
    expect(await scanOn(store)).toMatchObject(quiet)
  }
  tested(objects, runId, { ...field, classes: { dog_bark: {}, gun_shot: {} } })
  expect(await scanOn(store)).toMatchObject({ tested: [], untested: ["dog_bark", "gun_shot"], alarmsPerHour: null })
})

test("a scan and a rescan say the same of what is told far oftener at a site than was allowed", async () => {
  const { objects, store, runId } = await world()
  objects.set("field_audio/mill/20250612_070000.wav", fieldRecording(900, 11, 6))
  const thresholds = [0.9, 0.2, 0.1].map((high) => ({ value: high, low: high, high }))
  const field = { false_alarms_per_hour: [1, 5, 20], classes: { dog_bark: { thresholds }, gun_shot: { thresholds } } }
  tested(objects, runId, field)
  const { frequent, alarmsPerHour, thresholds: told } = await scanOn(store)
  // The two others are of a minute, of which a rate says little.
  expect(new Set(frequent.map(({ site }) => site))).toEqual(new Set(["mill"]))
  const dogs = (await eventsIn(store, runId)).filter(
    (event) => event.class === "dog_bark" && event.recording.startsWith("field_audio/mill/")
  )
  expect(frequent).toContainEqual({ site: "mill", name: "dog_bark", perHour: 4 * dogs.length })
  expect(await rescanOn(store)).toMatchObject({ frequent, alarmsPerHour, thresholds: told })
})

test("says which probabilities rest on few events, or on too little sound for the alarms that are asked for", async () => {
  const { objects, store, runId } = await world()
  const thresholds = [1, 0.9, 0.8].map((high) => ({ value: high, low: high, high }))
  const unsureOf = async (alarms: 1 | 5, hours: number, dogs: number, shots: number) => {
    const classes = { dog_bark: { events: dogs, thresholds }, gun_shot: { events: shots, thresholds } }
    const field = { false_alarms_per_hour: [1, 5, 20], hours, classes }
    tested(objects, runId, field)
    return (await scanOn(store, { events: { alarms, perClass: {} } })).unsure
  }
  expect(await unsureOf(5, 2, 3, 10)).toEqual([{ name: "dog_bark", events: 3, hours: 2 }])
  expect(await unsureOf(5, 0.6, 10, 0)).toEqual([])
  expect(await unsureOf(1, 2, 40, 0)).toEqual([
    { name: "dog_bark", events: 40, hours: 2 },
    { name: "gun_shot", events: 0, hours: 2 }
  ])
})

test("a site that is none, and a threshold of a class that is none, are named", async () => {
  const { store, runId } = await world()
  await expect(scanOn(store, { site: "rigde" })).rejects.toThrow(
    "memory holds no field recordings of a site rigde: put them into field_audio/rigde/."
  )
  const events = { ...EVENTS, perClass: { gunshot: 0.5 } }
  await expect(scanOn(store, { events })).rejects.toThrow(
    `${runId} knows no class gunshot, which a threshold is given for; it knows dog_bark, gun_shot.`
  )
  await scanOn(store, { site: "ridge" })
  expect(await scanOn(store, { site: "ridge", since: "2026" })).toMatchObject({ recordings: 0, heard: 0 })
})
