import { afterAll, beforeAll, expect, test } from "bun:test"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { smallCorpus, sound } from "../support/runWorld.ts"
import { form, type Service, startService, train, until } from "../support/serviceWorld.ts"

const TOKEN = "a-token-of-the-service"
const bearer = { authorization: `Bearer ${TOKEN}` }
const KEY = "extracted_audio/dog_bark/0-0-0-0.wav"

let service: Service
let first: string
let second: string
beforeAll(async () => {
  service = await startService({
    watching: true,
    environment: { API_TOKEN: TOKEN, MIN_NEW_SAMPLES: "3", CORS_ORIGINS: "https://friend.example" }
  })
  first = await firstRun()
  second = (await train(authorized(), "second")).id
}, 120_000)
afterAll(() => service[Symbol.asyncDispose]())

const authorized = (): Service => ({
  ...service,
  post: (path, body, headers) => service.post(path, body, { ...bearer, ...headers }),
  [Symbol.asyncDispose]: () => Promise.resolve()
})
const json = async (path: string, init: RequestInit = { headers: bearer }) =>
  (await service.get(path, init)).json() as Promise<Record<string, unknown>>

/** The corpus is larger than MIN_NEW_SAMPLES, so a run begins as soon as the service does. */
const firstRun = () =>
  until(async () => {
    const { runs } = (await json("/runs")) as { runs: Array<{ id: string; status: string }> }
    return runs[0]?.status === "finished" ? runs[0].id : undefined
  })

test("recordings that lie in the store when the service starts begin a training", async () => {
  expect(await json(`/runs/${first}`)).toMatchObject({ trigger: "10 new recordings", status: "finished" })
  expect(await json("/classes")).toMatchObject({ new_since_training: 0, threshold: 3 })
})

test("uploads begin a training when there are enough, and recordings that cannot be used do not begin one again", async () => {
  const { post, get, store } = authorized()
  await Bun.write(join(store, "extracted_audio/dog_bark/broken.wav"), "no sound")
  for (const seed of [801, 802, 803]) {
    const stored = await post("/upload", form(sound("dog_bark", seed), `${seed}.wav`, { class_name: "dog_bark" }))
    expect(stored.status).toBe(200)
  }
  const run = await until(async () => {
    const { runs } = (await (await get("/runs")).json()) as {
      runs: Array<{ id: string; status: string; trigger: string }>
    }
    return runs[0]?.trigger.endsWith("new recordings") && runs[0].id !== first && runs[0].status !== "running"
      ? runs[0]
      : undefined
  })
  expect(run.status).toBe("finished")
  expect(await json("/classes")).toMatchObject({ new_since_training: 0 })
  await rm(join(store, "extracted_audio/dog_bark/broken.wav"))
}, 120_000)

test("what writes or costs needs the token, and nothing tells it", async () => {
  const { get, post, log } = service
  for (const path of ["/predict", "/upload", "/retrain", `/models/${first}/promote`, "/models/rollback"]) {
    const refused = await post(path, "{}")
    expect([refused.status, await refused.json()]).toEqual([401, { detail: expect.stringContaining("API_TOKEN") }])
  }
  expect((await get("/clips")).status).toBe(401)
  expect((await get("/status")).status).toBe(200)
  expect(log()).not.toContain(TOKEN)
})

test("only origins that are named may read from a web page", async () => {
  const ask = async (origin: string) =>
    (await service.get("/status", { headers: { origin } })).headers.get("access-control-allow-origin")
  expect(await ask("https://friend.example")).toBe("https://friend.example")
  expect(await ask("https://evil.example")).toBeNull()
  const origin = "https://friend.example"
  const preflight = await service.get("/predict", {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" }
  })
  expect([preflight.status, preflight.headers.get("access-control-allow-methods")]).toEqual([204, "GET, POST"])
  expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization")
  // A page must be able to read why it was refused.
  const refused = await service.post("/predict", "{}", { origin })
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, origin])
})

test("a version is promoted, predicts at once, and is rolled back", async () => {
  const { post } = authorized()
  const promoted = async () => (await json("/models")).promoted
  const before = await promoted()
  const other = before === first ? second : first
  expect((await post(`/models/${other}/promote`)).status).toBe(200)
  expect(await promoted()).toBe(other)
  expect((await post("/predict", form(sound("gun_shot", 5), "shot.wav"))).status).toBe(200)
  expect((await post("/models/rollback")).status).toBe(200)
  expect(await promoted()).toBe(before)
  expect((await post("/models/20200101T000000000Z-000000/promote")).status).toBe(404)
  expect((await post("/models/..%2F..%2Fx/promote")).status).toBe(404)
})

test("predictions go on while the model changes", async () => {
  const { post } = authorized()
  let over = false
  const clip = sound("dog_bark", 6)
  const ask = async () => {
    const statuses: Array<number> = []
    while (!over) statuses.push((await post("/predict", form(clip, "bark.wav"))).status)
    return statuses
  }
  const asking = [ask(), ask(), ask()]
  for (const id of [first, second, first, second]) await post(`/models/${id}/promote`)
  over = true
  const statuses = (await Promise.all(asking)).flat()
  expect(statuses.length).toBeGreaterThan(4)
  expect(new Set(statuses)).toEqual(new Set([200]))
})

test("a version tells its scores and what changed from another", async () => {
  const version = await json(`/models/${first}`)
  expect(version).toMatchObject({ runId: first, recordings: 10, metrics: { confusion_matrix: expect.any(Array) } })
  expect(await json(`/models/${first}/compare?with=${second}`)).toMatchObject({ recordings: { added: 0, same: 10 } })
  expect(await json(`/models/${first}/compare?with=x`)).toEqual({ detail: "There is no such version of the model." })
})

test("recordings are listed page by page", async () => {
  const keys: Array<string> = []
  for (let after = ""; ; ) {
    const page = (await json(`/clips?limit=4&after=${encodeURIComponent(after)}&class=gun_shot`)) as {
      clips: Array<{ key: string }>
      total: number
      next: string | null
    }
    keys.push(...page.clips.map(({ key }) => key))
    expect(page.total).toBe(5)
    if (page.next === null) break
    after = page.next
  }
  expect(keys).toEqual([...smallCorpus().keys()].filter((key) => key.includes("gun_shot")))
})

test("a recording whose name holds a comma is found and heard", async () => {
  const key = "extracted_audio/dog_bark/one, two.wav"
  await Bun.write(join(service.store, key), sound("dog_bark", 77))
  const heard = await service.get(`/clips/audio?key=${encodeURIComponent(key)}`, { headers: bearer })
  expect([heard.status, heard.headers.get("content-type")]).toEqual([200, "audio/wav"])
  expect(await json("/clips?class=dog_bark,gun_shot")).toMatchObject({ clips: [], total: 0 })
  await rm(join(service.store, key))
})

test("a recording and its variants are heard, whole or in parts", async () => {
  const whole = smallCorpus().get(KEY)!
  const listen = (query: string, headers = {}) =>
    service.get(`/clips/audio?key=${encodeURIComponent(KEY)}${query}`, { headers: { ...bearer, ...headers } })
  const all = await listen("")
  expect([all.status, all.headers.get("content-type")]).toEqual([200, "audio/wav"])
  expect(await all.bytes()).toEqual(Uint8Array.from(whole))
  const part = await listen("", { range: "bytes=10-19" })
  expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 10-19/${whole.length}`])
  expect(await part.bytes()).toEqual(Uint8Array.from(whole.subarray(10, 20)))
  expect((await listen("", { range: `bytes=${whole.length}-` })).status).toBe(416)
  const { variants } = (await json(`/clips/variants?key=${encodeURIComponent(KEY)}`)) as { variants: Array<string> }
  expect(variants).toHaveLength(6)
  for (const variant of variants) {
    const heard = await listen(`&variant=${variant}`)
    expect([heard.status, new TextDecoder().decode((await heard.bytes()).subarray(0, 4))]).toEqual([200, "RIFF"])
  }
  expect((await listen("&variant=../x")).status).toBe(404)
})

test("nothing but recordings can be heard", async () => {
  for (const key of [
    "models/current.json",
    "extracted_audio/../models/current.json",
    "../x",
    "",
    "extracted_audio/x"
  ]) {
    expect((await service.get(`/clips/audio?key=${encodeURIComponent(key)}`, { headers: bearer })).status).toBe(404)
  }
})
