import { afterAll, beforeAll, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { folderOf } from "../support/program.ts"
import { smallCorpus } from "../support/runWorld.ts"
import { form, readEvents, type Service, startService, train, until } from "../support/serviceWorld.ts"

const TOKEN = "a-token-of-the-service"
const bearer = { authorization: `Bearer ${TOKEN}` }

let service: Service
beforeAll(async () => {
  service = await startService({ environment: { API_TOKEN: TOKEN } })
}, 120_000)
afterAll(() => service[Symbol.asyncDispose]())

interface Told {
  readonly id: string
  readonly state: string
  readonly recordings: number
  readonly stayed: number
}
const get = async <A>(path: string) => (await (await service.get(path, { headers: bearer })).json()) as A
const post = async (path: string, body?: object) => {
  const answer = await service.post(path, body && JSON.stringify(body), bearer)
  return [answer.status, (await answer.json()) as { detail?: string; message?: string; change?: Told }] as const
}
/** The latest change, once none is under way. */
const ended = () =>
  until(async () => {
    const { running, changes } = await get<{ running: unknown; changes: ReadonlyArray<Told> }>("/clips/changes")
    return running === null ? changes[0] : undefined
  })
const classes = async () =>
  Object.fromEntries(
    (await get<{ classes: ReadonlyArray<{ name: string; recordings: number }> }>("/classes")).classes.map(
      ({ name, recordings }) => [name, recordings]
    )
  )
const clips = (query: string) =>
  get<{ clips: ReadonlyArray<{ key: string; name: string; size: number }>; total: number }>(`/clips?${query}`)

test("recordings are searched, sorted and paged", async () => {
  const all = await clips("limit=500")
  expect(all.total).toBe(all.clips.length)
  const { clips: found } = await clips("search=100-1%20GUN")
  expect(found.length).toBeGreaterThan(0)
  for (const { key } of found) expect(key).toContain("gun_shot/100-1")
  expect(await clips("search=no%20such%20thing")).toEqual({ clips: [], total: 0, next: null } as never)
  const largest = (await clips("order=largest&limit=500")).clips.map(({ size }) => size)
  expect(largest).toEqual([...largest].sort((a, b) => b - a))
  const names = (await clips("order=name&limit=500")).clips.map(({ name }) => name)
  expect(names).toEqual([...names].sort())
  expect((await clips("order=name&limit=2&skip=3")).clips.map(({ name }) => name)).toEqual(names.slice(3, 5))
  expect((await clips("skip=1000")).clips).toEqual([])
  expect((await service.get("/clips?order=random", { headers: bearer })).status).toBe(422)
})

test("a class is renamed without leave for new ones, merged into another, and comes back by undoing", async () => {
  const before = await classes()
  const rename = { action: "relabel", recordings: { matching: { class: "gun_shot" }, expected: before.gun_shot } }
  expect((await post("/clips/changes", { ...rename, class: "Gun <b>" }))[0]).toBe(400)
  const [status, { message, change }] = await post("/clips/changes", { ...rename, class: "shot" })
  expect([status, message]).toEqual([200, `${before.gun_shot} recordings are moving to the class shot.`])
  expect(await ended()).toMatchObject({ id: change!.id, state: "done", recordings: before.gun_shot, stayed: 0 })
  expect(await classes()).toEqual({ dog_bark: before.dog_bark!, shot: before.gun_shot! })

  const merge = { action: "relabel", recordings: { matching: { class: "shot" }, expected: before.gun_shot } }
  const merged = await post("/clips/changes", { ...merge, class: "dog_bark" })
  expect(merged[0]).toBe(200)
  await ended()
  expect(await classes()).toEqual({ dog_bark: before.dog_bark! + before.gun_shot! })

  for (const { id } of [merged[1].change!, change!]) {
    expect((await post(`/clips/changes/${id}/undo`))[0]).toBe(200)
    expect(await ended()).toBeDefined()
  }
  expect(await classes()).toEqual(before)
  expect((await post(`/clips/changes/${change!.id}/undo`))[0]).toBe(409)
}, 120_000)

test("what is removed is out of the training data, still in the store, and comes back", async () => {
  const before = await classes()
  const { key } = (await clips("class=dog_bark&limit=1")).clips[0]!
  const [, { change }] = await post("/clips/changes", { action: "remove", recordings: { keys: [key] } })
  await ended()
  expect(await classes()).toEqual({ ...before, dog_bark: before.dog_bark! - 1 })
  expect(existsSync(join(service.store, `trash/${change!.id}/${key.slice("extracted_audio/".length)}`))).toBe(true)
  await post(`/clips/changes/${change!.id}/undo`)
  await ended()
  expect(await classes()).toEqual(before)
}, 120_000)

test("a change of what nobody named, of what has gone, or of another number than was seen, is refused in a sentence", async () => {
  const refused = async (recordings: object, more: object = { action: "remove" }) => {
    const [status, { detail }] = await post("/clips/changes", { recordings, ...more })
    return [status, detail]
  }
  expect(await refused({ matching: { search: " " }, expected: 10 })).toEqual([
    400,
    "Name a class or a search: all recordings at once are not changed."
  ])
  expect(await refused({ matching: { class: "dog_bark" }, expected: 1 })).toEqual([
    409,
    expect.stringMatching(/^There are \d+ such recordings now, not 1/)
  ])
  for (const key of ["models/current.json", "extracted_audio/dog_bark/gone.wav", "extracted_audio/../x/y.wav"]) {
    expect((await refused({ keys: [key] }))[0]).toBe(404)
  }
  const { key } = (await clips("class=dog_bark&limit=1")).clips[0]!
  expect((await refused({ keys: [key] }, { action: "relabel", class: "fox" }))[0]).toBe(400)
  expect((await refused({ keys: [key] }, { action: "relabel", class: "dog_bark" }))[0]).toBe(409)
  expect((await refused({ keys: [] }))[0]).toBe(422)
  expect((await post("/clips/changes/..%2f/undo"))[0]).toBe(404)
  expect((await service.post("/clips/changes", "{}")).status).toBe(401)
})

test("the list of recordings and a model's files are taken away as files, under their names, with the token only", async () => {
  await Bun.write(join(service.store, 'extracted_audio/dog_bark/=cmd, "x".wav'), smallCorpus().values().next().value!)
  const authorized = { ...service, post: (path: string, body?: BodyInit) => service.post(path, body, bearer) }
  const run = await train(authorized, "first")
  const csv = await service.get("/clips/list.csv?class=dog_bark", { headers: bearer })
  expect(csv.headers.get("content-disposition")).toBe('attachment; filename="recordings.csv"')
  const [head, ...lines] = (await csv.text()).split("\r\n")
  expect(head).toBe("key,class,name,source,bytes")
  expect(lines.join("\n")).toContain(`"extracted_audio/dog_bark/=cmd, ""x"".wav",dog_bark,"'=cmd, ""x"".wav"`)
  for (const file of ["yamnet_classifier.keras", "ecosight.onnx", "class_names.json"]) {
    const answer = await service.get(`/models/${run.id}/files/${file}`, { headers: bearer })
    expect(answer.headers.get("content-disposition")).toBe(`attachment; filename="${file}"`)
    const stored = await Bun.file(join(service.store, `models/versions/${run.id}/${file}`)).bytes()
    expect(await answer.bytes()).toEqual(stored)
  }
  expect((await service.get(`/models/${run.id}/files/class_names.json`)).status).toBe(401)
  for (const path of [`${run.id}/files/lease.json`, `${run.id}/files/toString`, "x/files/class_names.json"]) {
    expect((await service.get(`/models/${path}`, { headers: bearer })).status).toBe(404)
  }
  // Whose figures stand in the list of runs, too.
  const { runs } = await get<{ runs: ReadonlyArray<object> }>("/runs")
  expect(runs[0]).toMatchObject({
    outcome: "Promoted: there was no model before.",
    result: { promoted: true, macroF1: expect.any(Number), recordings: 10 }
  })
  const said = await (
    await service.post("/predict", form(smallCorpus().values().next().value!, "a.wav"), bearer)
  ).json()
  expect(said).toMatchObject({ seconds_heard: expect.any(Number), heard_to_the_end: true })
}, 120_000)

test("a client that comes back after a restart gets the end of its run, once, and a change that died goes on", async () => {
  const id = "20260131T235959123Z-1a2b3c"
  const change = {
    id: "20260131T235959123Z-1a2b3c4d",
    at: "2026-01-31T23:59:59.123Z",
    action: "relabel",
    class: "fox",
    moves: [{ from: "extracted_audio/dog/1.wav", to: "extracted_audio/fox/1.wav" }],
    state: "begun",
    failed: []
  }
  await using store = await folderOf({
    [`runs/${id}.json`]: JSON.stringify({ runId: id, status: "failed", reason: "It died." }),
    [`review/changes/${change.id}.json`]: JSON.stringify(change),
    "extracted_audio/dog/1.wav": "a bark"
  })
  await using restarted = await startService({ place: store.root })
  const events = async (last: number) =>
    readEvents(await restarted.get(`/runs/${id}/events`, { headers: { "last-event-id": `${last}` } }))
  const [end, ...others] = await events(17)
  expect(others).toEqual([])
  expect(end).toMatchObject({ event: "end", data: { status: "failed", outcome: "It died." } })
  const again = await restarted.get(`/runs/${id}/events`, { headers: { "last-event-id": `${end!.id}` } })
  expect(again.status).toBe(204)
  await until(async () => existsSync(join(store.root, "extracted_audio/fox/1.wav")) || undefined)
}, 120_000)
