import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { fieldRecording } from "../support/fieldWorld.ts"
import { form, readEvents, type Service, startService, train, until } from "../support/serviceWorld.ts"

const NAME = "20250612_050000.wav"
const KEY = `field_audio/ridge/${NAME}`
const TABLE = "annotations/ridge/20250612_050000.csv"

const sound = fieldRecording(12, [
  { at: 2, className: "dog_bark" },
  { at: 8, className: "gun_shot" }
])

let service: Service
beforeAll(async () => {
  service = await startService({ environment: { CLIP_MAX_SECONDS: "5" } })
}, 120_000)
afterAll(() => service[Symbol.asyncDispose]())

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field.
type Json = any
const json = async (response: Response | Promise<Response>): Promise<Json> => (await response).json()
const post = (path: string, body: unknown) =>
  service.post(path, JSON.stringify(body), { "content-type": "application/json" })
const scanned = async (id: string) =>
  until(async () => {
    const scan = await json(service.get(`/scans/${id}`))
    return scan.status === "running" ? undefined : scan
  })

test("without recordings and without a model all is empty, and says so", async () => {
  expect(await json(service.get("/field"))).toEqual({ model: null, sites: [] })
  expect(await json(service.get("/events"))).toMatchObject({ events: [], total: 0, model: null })
  expect(await json(service.get("/annotations"))).toEqual({ tables: [], total: 0 })
  const refused = await post("/scan", {})
  expect([refused.status, await json(refused)]).toEqual([
    409,
    { detail: "There is no model yet to scan with: train one first." }
  ])
})

test("a recording that is uploaded before there is a model is kept", async () => {
  const answer = await json(service.post("/scan", form(sound, NAME, { site: "ridge" })))
  expect(answer).toMatchObject({ success: true, status: "no_model", key: KEY, already_stored: false })
  expect(await Bun.file(join(service.store, KEY)).bytes()).toEqual(new Uint8Array(sound))
  const again = await json(service.post("/scan", form(sound, NAME, { site: "ridge" })))
  expect(again).toMatchObject({ already_stored: true })
  const other = await service.post("/scan", form(fieldRecording(3, []), NAME, { site: "ridge" }))
  expect(other.status).toBe(409)
  expect(await Bun.file(join(service.store, KEY)).bytes()).toEqual(new Uint8Array(sound))
  for (const threshold of ["2", "much", ""]) {
    const refused = await service.post("/scan", form(sound, NAME, { site: "ridge", threshold }))
    expect([refused.status, (await json(refused)).detail]).toEqual([422, expect.stringContaining("from 0.01 to 1")])
  }
  for (const [name, site, status] of [
    [NAME, "../ridge", 400],
    [NAME, "", 400],
    [NAME, "ridge ", 400],
    ["notes.txt", "ridge", 400]
  ] as const) {
    expect((await service.post("/scan", form(sound, name, { site }))).status).toBe(status)
  }
  expect((await service.post("/scan", form(new TextEncoder().encode("no"), "a.wav", { site: "ridge" }))).status).toBe(
    400
  )
  expect(await readdir(join(service.store, "field_audio"))).toEqual(["ridge"])
  const spaced = await json(service.post("/scan", form(sound, NAME, { site: "Öder Bach 2" })))
  expect(spaced.key).toBe(`field_audio/Öder Bach 2/${NAME}`)
  await rm(join(service.store, "field_audio/Öder Bach 2"), { recursive: true })
})

test("a field recording that is cut short is taken, and what is wrong with it told", async () => {
  const cut = sound.slice(0, Math.floor(0.6 * sound.length))
  const answer = await json(service.post("/scan", form(cut, NAME, { site: "cut" })))
  const key = `field_audio/cut/${NAME}`
  expect(answer).toMatchObject({ success: true, key, note: expect.stringMatching(/^The file is cut short: .*\.$/) })
  expect(await Bun.file(join(service.store, key)).bytes()).toEqual(new Uint8Array(cut))
  const header = await service.post("/scan", form(sound.slice(0, 30), "b.wav", { site: "cut" }))
  expect(header.status).toBe(400)
  await rm(join(service.store, "field_audio/cut"), { recursive: true })
})

test("what is wrong with what a scan is asked for is named, and nothing is stored", async () => {
  const refusal = async (answer: Promise<Response>) => {
    const { status, ...response } = await answer.then(async (given) => ({
      status: given.status,
      ...(await given.json())
    }))
    return [status, response.detail]
  }
  const said: ReadonlyArray<readonly [string, string]> = [
    ["null", "The body must be an object of JSON, such as {recording}, {site}, or {} for all that is new."],
    ["[]", "The body must be an object of JSON, such as {recording}, {site}, or {} for all that is new."],
    ['{"sites": ["ridge"]}', "`sites` is not known here: known are recording, site, model, threshold, alarms."],
    ['{"site": "ridge", "site": "creek"}', "`site` is given twice: send it once."],
    ['{"site": 5}', "`site` cannot be 5: it must be a site's name."],
    ['{"site": null}', "`site` cannot be null: it must be a site's name."],
    ['{"threshold": 2}', "`threshold` cannot be 2: it must be a number from 0.01 to 1."],
    ['{"threshold": "0.5"}', '`threshold` cannot be "0.5": it must be a number from 0.01 to 1.'],
    ['{"alarms": 2}', "`alarms` cannot be 2: it must be 1, 5 or 20 an hour."]
  ]
  for (const [body, detail] of said) expect(await refusal(service.post("/scan", body))).toEqual([422, detail])
  for (const [body, type] of [
    ["site=ridge", "application/x-www-form-urlencoded"],
    ["site: ridge", "text/plain"]
  ] as const) {
    expect(await refusal(service.post("/scan", body, { "content-type": type }))).toEqual([
      400,
      "The body is neither JSON, such as {recording}, {site}, or {} for all that is new, nor multipart/form-data with a file and a site."
    ])
  }
  expect(await refusal(post("/scan?site=ridge", {}))).toEqual([
    422,
    "`site` is not known here: this path takes no query."
  ])

  const sent = (...fields: ReadonlyArray<readonly [string, string | Blob]>) => {
    const data = form(sound, "other.wav")
    for (const [name, value] of fields) data.append(name, value)
    return refusal(service.post("/scan", data))
  }
  const site = ["site", "ridge"] as const
  expect(await sent(site, ["alarms", new Blob(["5"])])).toEqual([
    422,
    "There is a file in the field `alarms`: only `file` holds one."
  ])
  expect(await sent(site, ["site", "creek"])).toEqual([422, "`site` is given twice: send it once."])
  expect(await sent()).toEqual([422, "`site` is missing: it must be a site's name."])
  expect(await sent(site, ["sites", "ridge"])).toEqual([
    422,
    "`sites` is not known here: known are site, model, threshold, alarms."
  ])
  for (const number of ["0x1", "1e0", " 1 ", "1.", "+1", "Infinity", ""]) {
    expect(await sent(site, ["threshold", number])).toEqual([
      422,
      `\`threshold\` cannot be "${number}": it must be a number from 0.01 to 1.`
    ])
    expect(await sent(site, ["alarms", number.replace("1", "5")])).toEqual([
      422,
      expect.stringMatching(/^`alarms` cannot be ".*": it must be 1, 5 or 20 an hour\.$/)
    ])
  }
  expect(await readdir(join(service.store, "field_audio"))).toEqual(["ridge"])
  expect(await readdir(join(service.store, "field_audio/ridge"))).toEqual([NAME])
})

describe("with a model", () => {
  beforeAll(async () => {
    await train(service, "first")
  }, 120_000)

  let events: ReadonlyArray<Json>
  test("a scan tells how far it is, and what it heard is listed", async () => {
    const { models } = await json(service.get("/models"))
    const refusals: ReadonlyArray<readonly [Record<string, unknown>, number, string]> = [
      [{ recording: "field_audio/ridge/other.wav" }, 404, 'There is no field recording "field_audio/ridge/other.wav".'],
      [
        { recording: "extracted_audio/dog_bark/0-0-0-0.wav" },
        404,
        '"extracted_audio/dog_bark/0-0-0-0.wav" is no field recording: the key of one begins with field_audio/.'
      ],
      [
        { recording: "field_audio/ridge/notes.txt" },
        404,
        '"field_audio/ridge/notes.txt" is no field recording: it is named as notes, tables and pictures beside recordings are, or as what a system hides or leaves behind.'
      ],
      [
        { recording: "field_audio/ridge/other.wav", site: "ridge" },
        422,
        "A recording is heard by its key, and a site's are all of it: send recording or site."
      ],
      [{ site: "ridg" }, 404, 'There is no site "ridg": there is ridge.'],
      [
        { model: "gone" },
        404,
        `There is no version "gone" of the model: there is ${models[0].runId}; GET /models lists them.`
      ],
      [
        { threshold: 0.5, alarms: 5 },
        422,
        "A threshold says what is told, and alarms have one chosen: send one of them."
      ]
    ]
    for (const [task, status, detail] of refusals) {
      const refused = await post("/scan", task)
      expect([refused.status, await json(refused)]).toEqual([status, { detail }])
      if ("site" in task || "recording" in task) continue
      const fields = Object.fromEntries(Object.entries(task).map(([name, value]) => [name, String(value)]))
      const upload = await service.post("/scan", form(fieldRecording(3, []), "new.wav", { site: "ridge", ...fields }))
      expect([upload.status, await json(upload)]).toEqual([status, { detail }])
    }
    // Nothing was stored, and none begun.
    expect(await readdir(join(service.store, "field_audio/ridge"))).toEqual([NAME])
    expect((await json(service.get("/scans"))).scans).toEqual([])
    const { scan_id } = await json(post("/scan", { threshold: 0.05 }))
    const told = await readEvents(await service.get(`/scans/${scan_id}/events`))
    expect(told.at(-1)).toMatchObject({ event: "end", data: { status: "finished" } })
    expect(await scanned(scan_id)).toMatchObject({ status: "finished", task: { threshold: 0.05 } })
    const answer = await json(service.get("/events"))
    expect(answer).toMatchObject({ sites: ["ridge"], known_classes: ["dog_bark", "gun_shot"] })
    expect(answer.models).toEqual([{ runId: answer.model, isPromoted: true }])
    events = answer.events
    expect(events.length).toBeGreaterThan(0)
    expect(events[0]).toMatchObject({ recording: KEY, site: "ridge", judged: null })
    const { sites } = await json(service.get("/field"))
    expect(sites).toMatchObject([{ name: "ridge", recordings: 1, heard: 1, events: events.length }])
    const site = await json(service.get("/field/site?name=ridge"))
    expect(site.recordings).toMatchObject([{ key: KEY, name: NAME, heard: { repairs: [] }, events: events.length }])
    expect(site.recordings[0].heard.seconds).toBeCloseTo(12, 1)
    expect((await service.get("/field/site?name=creek")).status).toBe(404)
  })

  test("all that is asked for while a scan goes on is heard after it, each once", async () => {
    const asked = [
      { site: "ridge", threshold: 0.5 },
      { recording: KEY, threshold: 0.4 },
      { recording: KEY, threshold: 0.4 },
      { threshold: 0.05 }
    ]
    const answers = []
    for (const task of asked) answers.push((await json(post("/scan", task))).status)
    expect(answers).toEqual(["running", ...Array(3).fill("in_progress")])
    const { scans } = await until(async () => {
      const told = await json(service.get("/scans"))
      return told.running === null ? told : undefined
    })
    expect(scans.slice(0, 3).map(({ task }: Json) => task)).toEqual([asked[3], asked[2], asked[0]])
  })

  test("events of a version that there is not are refused, and of one that is gone still told", async () => {
    const [{ runId }] = (await json(service.get("/models"))).models
    const gone = {
      status: 404,
      detail: `There is no version "gone" of the model: there is ${runId}; GET /models lists them.`
    }
    const ask = async (path: string) => {
      const response = await service.get(path)
      return { status: response.status, ...(await response.json()) }
    }
    for (const path of ["/events", "/events/list.csv", "/events/activity"]) {
      expect(await ask(`${path}?model=gone`)).toEqual(gone)
    }
    expect(await ask(`/events/changes?from=gone&to=${runId}`)).toEqual(gone)
    expect(await ask(`/events/changes?from=${runId}&to=gone`)).toEqual(gone)
    const version = join(service.store, "models/versions", runId)
    await rename(version, join(service.store, "kept"))
    expect(await ask(`/events?model=${runId}`)).toMatchObject({ status: 200, model: runId, total: events.length })
    await rename(join(service.store, "kept"), version)
  })

  test("events are filtered, ordered, paged and taken away as a table", async () => {
    const [first] = events
    const count = async (query: string) => (await json(service.get(`/events?${query}`))).total
    expect(await count(`class=${first.class}`)).toBe(events.filter((one) => one.class === first.class).length)
    expect(await count("site=creek")).toBe(0)
    expect(await count(`least=${first.peak}`)).toBe(events.filter(({ peak }) => peak >= first.peak).length)
    expect(await count("judged=yes")).toBe(0)
    expect(await count("judged=no")).toBe(events.length)
    const surest = (await json(service.get("/events?order=surest&limit=1"))).events
    expect(surest[0].peak).toBe(Math.max(...events.map(({ peak }) => peak)))
    const paged = (await json(service.get("/events?order=surest&limit=1&skip=1"))).events
    expect(paged).toHaveLength(Math.min(1, events.length - 1))
    for (const query of [
      "limit=0",
      "least=2",
      "most=1.01",
      "least=-0.1",
      "since=yesterday",
      "since=2025-13-45",
      "since=2025-02-30",
      "until=2025-06-31T04:30",
      "until=2025-06-12T24:10",
      "judged=maybe",
      "order=odd"
    ]) {
      expect((await service.get(`/events?${query}`)).status).toBe(422)
    }
    expect(await count("since=2025-06-12&until=2025")).toBe(events.length)
    for (const path of ["/events", "/events/list.csv", "/events/activity"]) {
      const refused = async (query: string) => {
        const response = await service.get(`${path}?${query}`)
        return [response.status, (await json(response)).detail]
      }
      expect(await refused("least=0.9&most=0.85")).toEqual([
        422,
        "No event has a probability of at least 0.9 and at most 0.85."
      ])
      expect(await refused("since=2025-06-12T04&until=2025-05")).toEqual([
        422,
        "Nothing is heard since 2025-06-12T04 and until 2025-05, which is before."
      ])
    }
    const table = await (await service.get("/events/list.csv")).text()
    expect(table.trimEnd().split("\r\n")).toHaveLength(1 + events.length)
  })

  test("an event's sound comes with some around it", async () => {
    const query = new URLSearchParams({ recording: KEY, start: "8", end: "8.5", around: "1" })
    const response = await service.get(`/events/audio?${query}`)
    expect([response.status, response.headers.get("content-type"), response.headers.get("x-sound-from")]).toEqual([
      200,
      "audio/wav",
      "7"
    ])
    const wav = await response.bytes()
    expect(Buffer.compare(wav.subarray(44), sound.subarray(44 + 2 * 7 * 16_000, 44 + 2 * 9.5 * 16_000))).toBe(0)
    const ask = (part: Record<string, string>) =>
      service.get(`/events/audio?${new URLSearchParams({ recording: KEY, start: "1", end: "2", ...part })}`)
    expect((await ask({ recording: "extracted_audio/dog_bark/0-0-0-0.wav" })).status).toBe(404)
    expect((await ask({ start: "100", end: "101" })).status).toBe(404)
    expect((await ask({ start: "2", end: "1" })).status).toBe(422)
    expect((await ask({ end: "1000" })).status).toBe(422)
  })

  test("a judgement is an annotation, and can be changed and taken back", async () => {
    const [{ recording, start, end, class: className }] = events as [Json]
    const judge = (answer: string, more = {}) =>
      json(post("/events/judge", { recording, start, end, class: className, answer, ...more }))
    const judged = async () =>
      (await json(service.get("/events"))).events.find((one: Json) => one.start === start && one.class === className)
        .judged
    const rows = async () => (await Bun.file(join(service.store, TABLE)).text()).trimEnd().split("\n").slice(1)
    const at = (time: number) => time.toFixed(3)
    expect(await judge("yes")).toMatchObject({ success: true, judged: className })
    expect([await rows(), await judged()]).toEqual([[`${at(start)},${at(end)},${className},,dashboard,,`], className])
    const other = className === "dog_bark" ? "gun_shot" : "dog_bark"
    expect(await judge("other", { other })).toMatchObject({ judged: other })
    expect([await rows(), await judged()]).toEqual([[`${at(start)},${at(end)},${other},,dashboard,,`], other])
    expect(await judge("no")).toMatchObject({ judged: "" })
    expect([await rows(), await judged()]).toEqual([[`${at(start)},${at(end)},complete,,,,`], ""])
    expect((await json(service.get("/events?judged=yes"))).total).toBeGreaterThan(0)
    expect(await judge("none")).toMatchObject({ judged: null })
    expect([await rows(), await judged()]).toEqual([[], null])
    expect((await post("/events/judge", { recording, start, end, class: className, answer: "other" })).status).toBe(422)
    for (const span of [{ start: end, end: start }, { start: -1 }, { end: start }]) {
      const body = { recording, start, end, class: className, answer: "yes", ...span }
      expect((await post("/events/judge", body)).status).toBe(422)
    }
    const unknown = { recording, start, end, class: className, answer: "other", other: "wolf" }
    expect((await post("/events/judge", unknown)).status).toBe(400)
    const refused = async (part: object) => {
      const response = await post("/events/judge", { recording, start, end, class: className, answer: "yes", ...part })
      return [response.status, (await json(response)).detail]
    }
    expect(await refused({ class: "nonsense" })).toEqual([400, expect.stringContaining("There is no such class")])
    expect(await refused({ class: "" })).toEqual([400, expect.stringContaining("A class's name is")])
    const behind = "behind the recording, which ends at 12 s."
    for (const answer of ["yes", "no"]) {
      expect(await refused({ answer, end: 12.49 })).toEqual([422, `It ends at 12.49 s, ${behind}`])
      expect(await refused({ answer, end: 2e9 })).toEqual([
        422,
        "It ends at 2000000000 s, later than any recording: are its times in seconds?"
      ])
      // To the millisecond, as it is kept, it would be a point.
      expect((await refused({ answer, start: 5, end: 5.0004 }))[0]).toBe(422)
    }
    expect(await rows()).toEqual([])
    const gone = { recording: "field_audio/ridge/b.wav", start, end, class: className, answer: "yes" }
    expect((await post("/events/judge", gone)).status).toBe(404)
  })

  test("judgements that come at once are all written", async () => {
    const spans = Array.from({ length: 8 }, (_, at) => ({ recording: KEY, start: at, end: at + 1, class: "dog_bark" }))
    const answers = await Promise.all(spans.map((span) => post("/events/judge", { ...span, answer: "yes" })))
    expect(answers.map(({ status }) => status)).toEqual(spans.map(() => 200))
    const { annotations } = await json(service.get(`/annotations/recording?recording=${KEY}`))
    expect(annotations).toHaveLength(8)
    await Promise.all(spans.map((span) => post("/events/judge", { ...span, answer: "none" })))
  })

  test("tables are added, edited by whoever saw the latest, and taken away for other programs", async () => {
    const raven = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\t2.0\t2.5\tdog_bark\n2\tx\t9\tgun_shot\n"
    const bytes = new TextEncoder().encode(raven)
    const added = await json(service.post("/annotations", form(bytes, "20250612_050000.Table.1.selections.txt")))
    expect(added).toMatchObject({ annotations: 1, recordings: [KEY], problems: [{ row: 3 }], missing: [] })
    await service.post("/annotations", form(bytes, "anything.txt", { recording: KEY }))
    const found = await json(service.get(`/annotations/recording?recording=${KEY}`))
    expect(found).toMatchObject({ annotations: [{ start: 2, end: 2.5, label: "dog_bark" }], complete: [] })
    expect((await service.post("/annotations", form(bytes, "elsewhere.txt"))).status).toBe(400)
    const useless = new TextEncoder().encode("start,end,label\n20,21,dog_bark\n2,3,../x\n")
    const none = await service.post("/annotations", form(useless, "20250612_050000.csv"))
    expect([none.status, (await json(none)).detail]).toEqual([
      422,
      "It has no row that can be used, and nothing is changed. Row 2: It lies behind the recording, which ends at 12 s: is it another's table? 1 more row cannot be used either."
    ])
    expect(await json(service.get(`/annotations/recording?recording=${KEY}`))).toEqual({ recording: KEY, ...found })
    expect((await service.post("/annotations", form(new TextEncoder().encode("{}"), "a.csv"))).status).toBe(400)

    const edit = { recording: KEY, etag: found.etag, complete: [null] }
    const saved = await post("/annotations/recording", {
      ...edit,
      annotations: [...found.annotations, { start: 8, end: 8.5, label: "gun_shot", confidence: 0.9 }]
    })
    expect(saved.status).toBe(200)
    expect((await post("/annotations/recording", { ...edit, annotations: [] })).status).toBe(409)
    const wrong = [{ start: 2, end: 1, label: "dog_bark" }]
    expect((await post("/annotations/recording", { ...edit, annotations: wrong })).status).toBe(422)
    const { tables } = await json(service.get("/annotations"))
    expect(tables).toEqual([
      { key: TABLE, recordings: [KEY], format: "csv", annotations: 2, labels: ["dog_bark", "gun_shot"], problems: [] }
    ])
    const take = async (format: string) =>
      (await service.get(`/annotations/table?recording=${KEY}&format=${format}`)).text()
    expect(await take("audacity")).toBe("0.000\t0.000\tcomplete\n2.000\t2.500\tdog_bark\n8.000\t8.500\tgun_shot\n")
    const selections = (await take("raven")).split("\n")
    expect(selections[2]).toContain("2.000\t2.500\t\t\tdog_bark\t\t\t")
    expect(selections[3]).toContain("8.000\t8.500\t\t\tgun_shot\t0.900000\t\t")
    expect(await take("csv")).toStartWith("# complete\nstart,end,label,confidence,annotator,low,high\n")
    expect((await service.get(`/annotations/table?recording=${KEY}&format=word`)).status).toBe(422)
    // What was taken away adds nothing where it is brought back: it says what is there already.
    const { etag: _, ...before } = await json(service.get(`/annotations/recording?recording=${KEY}`))
    const back = new TextEncoder().encode(await take("raven"))
    await service.post("/annotations", form(back, "20250612_050000.Table.1.selections.txt"))
    expect(await json(service.get(`/annotations/recording?recording=${KEY}`))).toMatchObject(before)
  })

  test("what a table could not say of a recording is refused in a sentence, and nothing is written", async () => {
    const recording = "field_audio/creek/d.wav"
    await Bun.write(join(service.store, recording), fieldRecording(3, [], 4))
    const say = async (annotations: ReadonlyArray<object>, complete: ReadonlyArray<object | null> = []) => {
      const response = await post("/annotations/recording", { recording, etag: "", annotations, complete })
      return [response.status, (await json(response)).detail]
    }
    const good = { start: 1, end: 2, label: "dog_bark" }
    const is = (label: string, what: string) => `Its label, "${label}", is no class: it says that ${what}.`
    for (const [part, reason] of [
      [{ label: "" }, "It names no class."],
      [{ label: " " }, "It names no class."],
      [{ label: "o".repeat(201) }, "Its label is longer than 200 characters."],
      [{ label: "complete" }, is("complete", "a span was listened to")],
      [{ label: "# Complete " }, is("# Complete", "a span was listened to")],
      [{ label: "nocall" }, is("nocall", "nothing was found")],
      [{ start: -1 }, "It starts before the recording does, at -1 s."],
      [{ start: 2.5 }, "It ends at 2 s, before it starts, at 2.5 s."],
      [{ end: 3.49 }, "It ends at 3.49 s, behind the recording, which ends at 3 s."],
      [{ end: 2e9 }, "It ends at 2000000000 s, later than any recording: are its times in seconds?"]
    ] as const) {
      expect(await say([good, { ...good, ...part }])).toEqual([422, `Row 2: ${reason}`])
    }
    const point = (at: number) =>
      `It says of a point in time, at ${at} s, that it was listened to: give it an end, or null for all of the recording.`
    for (const [part, reason] of [
      [{ start: 0, end: 0 }, point(0)],
      [{ start: 0, end: 0.0004 }, point(0)],
      [{ start: 2, end: 2 }, point(2)],
      [{ start: 5, end: 3 }, "It ends at 3 s, before it starts, at 5 s."],
      [{ start: 0, end: 60 }, "It ends at 60 s, behind the recording, which ends at 3 s."]
    ] as const) {
      expect(await say([good], [null, part])).toEqual([422, `Span 2 of complete: ${reason}`])
    }
    const file = join(service.store, "annotations/creek/d.csv")
    expect(existsSync(file)).toBe(false)
    expect(await say([{ ...good, end: 3.4, label: " dog_bark " }], [{ start: 0, end: 3.4 }])).toEqual([200, undefined])
    const shown = await json(service.get(`/annotations/recording?recording=${recording}`))
    expect(shown).toMatchObject({
      annotations: [{ ...good, end: 3.4 }],
      complete: [{ start: 0, end: 3.4 }],
      problems: []
    })
    // No training of this test learns it.
    await rm(file)
  })

  test("a table of another program is kept where it is replaced", async () => {
    const other = fieldRecording(3, [{ at: 1, className: "dog_bark" }], 5)
    await Bun.write(join(service.store, "field_audio/creek/a.wav"), other)
    const audacity = "0.5\t1.5\tdog_bark\n"
    await Bun.write(join(service.store, "annotations/creek/a.txt"), audacity)
    const event = { recording: "field_audio/creek/a.wav", start: 2, end: 3, class: "gun_shot", answer: "yes" }
    expect((await post("/events/judge", event)).status).toBe(200)
    expect(await Bun.file(join(service.store, "annotations/creek/a.csv")).text()).toContain("dog_bark")
    expect(existsSync(join(service.store, "annotations/creek/a.txt"))).toBe(false)
    expect(await Bun.file(join(service.store, "annotations/creek/a.txt.replaced")).text()).toBe(audacity)
    await Bun.write(join(service.store, "annotations/creek/a.csv"), "what is this")
    expect((await post("/events/judge", event)).status).toBe(409)
    expect(await Bun.file(join(service.store, "annotations/creek/a.csv")).text()).toBe("what is this")
  })

  test("tables are of recordings as a training pairs them, and labels are read as it reads them", async () => {
    const creek = "field_audio/creek/b.wav"
    await Bun.write(join(service.store, creek), fieldRecording(3, [], 6))
    const head = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\tBegin File\n"
    const own = "annotations/creek/b.Table.1.selections.txt"
    await Bun.write(join(service.store, own), `${head}1\t0.5\t1.5\tDog bark\tb.wav\n`)
    const many = "annotations/all.txt"
    await Bun.write(join(service.store, many), `${head}1\t1\t2\tGun shot\tb.wav\n2\t1\t2\tGun shot\tgone.wav\n`)
    const { tables } = await json(service.get("/annotations"))
    const of = (key: string) => tables.find((one: Json) => one.key === key)
    expect(of(own)).toMatchObject({ recordings: [creek], annotations: 1, problems: [] })
    expect(of(many)).toMatchObject({ recordings: [creek], annotations: 2 })
    expect(of(many).problems).toEqual(["There is no recording, or more than one, called gone.wav."])
    expect(await json(service.get(`/annotations/recording?recording=${creek}`))).toMatchObject({
      annotations: [{ start: 0.5, end: 1.5, label: "Dog bark" }]
    })
    const event = { recording: creek, start: 2, end: 3, class: "gun_shot", answer: "yes" }
    expect((await post("/events/judge", event)).status).toBe(200)
    expect(await Bun.file(join(service.store, "annotations/creek/b.csv")).text()).toContain("Dog bark")
    expect(existsSync(join(service.store, own))).toBe(false)
    expect(existsSync(join(service.store, `${own}.replaced`))).toBe(true)

    // A table that is called as one recording and speaks of others, too, is not replaced: what it says of them would go.
    const shared = "annotations/creek/c.txt"
    await Bun.write(join(service.store, "field_audio/creek/c.wav"), fieldRecording(3, [], 7))
    await Bun.write(join(service.store, shared), `${head}1\t1\t2\tGun shot\tc.wav\n2\t1\t2\tGun shot\tb.wav\n`)
    const refused = await post("/events/judge", { ...event, recording: "field_audio/creek/c.wav" })
    expect([refused.status, (await json(refused)).detail]).toEqual([
      409,
      `${shared} has rows of other recordings, too, so nothing is written to it: call it as none of them, or make it a table each.`
    ])
    expect(existsSync(join(service.store, shared))).toBe(true)
  })

  test("rows that no answer can hold are told of, and what else the table says is shown", async () => {
    const recording = "field_audio/creek/e.wav"
    await Bun.write(join(service.store, recording), fieldRecording(3, [], 8))
    const rows = `0,1,${"o".repeat(201)},\n0.5,1.5,dog_bark,1e999\n1,2,gun_shot,0.5\n`
    const table = join(service.store, "annotations/creek/e.csv")
    await Bun.write(table, `start,end,label,confidence\n${rows}`)
    const response = await service.get(`/annotations/recording?recording=${recording}`)
    expect([response.status, await json(response)]).toMatchObject([
      200,
      {
        annotations: [{ start: 1, end: 2, label: "gun_shot", confidence: 0.5 }],
        problems: [
          { row: 2, reason: "Its label is longer than 200 characters." },
          { row: 3, reason: "Its confidence is further from 0 than numbers go." }
        ]
      }
    ])
    // Nothing is to be heard there: no training of this test learns it.
    await rm(table)
  })

  test("another model's scan tells what changed between the two", async () => {
    const before = (await json(service.get("/events"))).model
    await Bun.write(join(service.store, "extracted_audio/dog_bark/77-0-0-0.wav"), fieldRecording(1, [], 9))
    await train(service, "second")
    const versions = (await json(service.get("/models"))).models.map(({ runId }: Json) => runId)
    const after = versions.find((id: string) => id !== before)
    expect((await service.get(`/events/changes?from=${before}&to=${after}`)).status).toBe(404)
    const { scan_id } = await json(post("/scan", { model: after, threshold: 0.05 }))
    await scanned(scan_id)
    const changes = await json(service.get(`/events/changes?from=${before}&to=${after}`))
    const { gained, lost, moved, same } = changes.counts
    expect(changes.total).toBe(gained + lost + moved)
    expect(lost + moved + same).toBe((await json(service.get(`/events?model=${before}`))).total)
    expect(gained + moved + same).toBe((await json(service.get(`/events?model=${after}`))).total)
  })

  test("nothing can be said of what is no recording", async () => {
    const key = "field_audio/ridge/notes.wav"
    await Bun.write(join(service.store, key), "no sound")
    const said = { recording: key, start: 1, end: 2, class: "dog_bark", answer: "yes" }
    expect((await post("/events/judge", said)).status).toBe(422)
    await rm(join(service.store, key))
  })

  test("what sounds like a call is found in other recordings", async () => {
    const query = new URLSearchParams({ recording: KEY, start: "8", end: "8.96" })
    const { windows, searched } = await json(service.get(`/events/like?${query}`))
    expect(searched).toBeGreaterThan(20)
    expect(windows.length).toBeGreaterThan(0)
    const isOwn = ({ recording, start, end }: Json) => recording === KEY && start < 8.96 && end > 8
    expect(windows.some(isOwn)).toBe(false)
    const likeness = windows.map((one: Json) => one.likeness)
    expect(likeness).toEqual(likeness.toSorted((a: number, b: number) => b - a))
    const refusalOf = async (of: Record<string, string>) => {
      const answer = await service.get(`/events/like?${new URLSearchParams({ recording: KEY, ...of })}`)
      return [answer.status, (await json(answer)).detail]
    }
    expect(await refusalOf({ start: "39000", end: "40000" })).toEqual([404, "The recording ends before that."])
    expect(await refusalOf({ recording: "field_audio/none.wav", start: "1", end: "2" })).toEqual([
      404,
      "Nothing was heard of such a field recording."
    ])
  })

  test("a copy has the events of its content, listed once, and says whose copy it is", async () => {
    const copy = "field_audio/summit/again.wav"
    const before = (await json(service.get("/events"))).total
    const own = await json(service.get(`/events?recording=${KEY}`))
    await Bun.write(join(service.store, copy), sound)
    await scanned((await json(post("/scan", { threshold: 0.05 }))).scan_id)
    const [all, there, atSite] = await Promise.all(
      ["", `?recording=${copy}`, "?site=summit"].map((query) => json(service.get(`/events${query}`)))
    )
    expect(own.total).toBeGreaterThan(0)
    expect([all.total, there.total, atSite.total]).toEqual([before, own.total, own.total])
    expect(there.events).toEqual(own.events)
    expect(all.sites).toContain("summit")
    const { recordings, classes } = await json(service.get("/field/site?name=summit"))
    expect(recordings).toMatchObject([{ key: copy, copy_of: KEY, events: own.total }])
    expect(classes.reduce((sum: number, { events }: Json) => sum + events, 0)).toBe(own.total)
    const { recordings: originals } = await json(service.get("/field/site?name=ridge"))
    expect(originals).toMatchObject([{ key: KEY, copy_of: null, events: own.total }])
    const { sites } = await json(service.get("/field"))
    expect(sites.find(({ name }: Json) => name === "summit")).toMatchObject({ heard: 1, events: own.total })
    await rm(join(service.store, copy))
  })

  test("a recording that cannot be heard says why, until another lies there", async () => {
    const path = join(service.store, "field_audio/cliff/20250612_060000.wav")
    await Bun.write(path, "no sound at all")
    const scan = async () => scanned((await json(post("/scan", { site: "cliff", threshold: 1 }))).scan_id)
    const cliff = async () => {
      const { sites } = await json(service.get("/field"))
      const { recordings } = await json(service.get("/field/site?name=cliff"))
      const { heard, refused } = sites.find((one: Json) => one.name === "cliff")
      return { heard, refused, reason: recordings[0].refused }
    }
    await scan()
    expect(await cliff()).toEqual({ heard: 0, refused: 1, reason: expect.stringMatching(/^The file is .*\.$/) })
    await Bun.write(path, fieldRecording(3, [], 4))
    await scan()
    expect(await cliff()).toEqual({ heard: 1, refused: 0, reason: null })
    await rm(path)
  })

  test("/predict hears all of a long recording, and keeps EcoSight's fields", async () => {
    const short = await json(
      service.post("/predict", form(fieldRecording(4, [{ at: 1, className: "dog_bark" }]), "a.wav"))
    )
    expect(short).not.toHaveProperty("events")
    const long = await json(service.post("/predict", form(sound, "a.wav")))
    expect(long).toMatchObject({ success: true, heard_to_the_end: true })
    expect(long.seconds_heard).toBeCloseTo(12, 1)
    expect(long.confidence).toBe(Math.max(...(Object.values(long.all_probabilities) as Array<number>)))
    for (const { start, end, peak } of long.events) {
      expect(start).toBeLessThan(end)
      expect(end).toBeLessThanOrEqual(12)
      expect(peak).toBeGreaterThanOrEqual(0.8)
    }
    // Bytes of an hour and a second, of which nothing but the header has to be made.
    const header = sound.slice(0, 44)
    const bytes = 2 * 16_000 * 3601
    new DataView(header.buffer).setUint32(4, 36 + bytes, true)
    new DataView(header.buffer).setUint32(40, bytes, true)
    const hour = new Uint8Array(44 + bytes)
    hour.set(header)
    await using roomy = await startService({ bucket: service.store, environment: { MAX_UPLOAD_MB: "200" } })
    const refused = await roomy.post("/predict", form(hour, "hour.wav"))
    expect(refused.status).toBe(413)
    expect((await json(refused)).detail).toContain("POST /scan")
  }, 120_000)
})
