import { afterAll, beforeAll, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { smallCorpus, sound } from "../support/runWorld.ts"
import { type Service, startService, train, until } from "../support/serviceWorld.ts"

const TOKEN = "a-token-of-the-service"
const bearer = { authorization: `Bearer ${TOKEN}` }
const SHOT = "extracted_audio/gun_shot/100-1-0-0.wav"
const COPY = "extracted_audio/dog_bark/copy.wav"

let service: Service
beforeAll(async () => {
  service = await startService({ environment: { API_TOKEN: TOKEN } })
}, 120_000)
afterAll(() => service[Symbol.asyncDispose]())

const authorized = (): Service => ({
  ...service,
  post: (path, body, headers) => service.post(path, body, { ...bearer, ...headers }),
  [Symbol.asyncDispose]: () => Promise.resolve()
})
const get = async (path: string) => (await service.get(path, { headers: bearer })).json()
const decide = async (body: object) => {
  const answer = await authorized().post("/review/decide", JSON.stringify(body))
  return [answer.status, await answer.json()] as const
}
/** Looks through the recordings, and tells what there is once that has ended. */
const look = async () => {
  expect(await (await authorized().post("/review")).json()).toMatchObject({ status: "running" })
  expect(await (await authorized().post("/review")).json()).toMatchObject({ status: "in_progress" })
  return until(async () => {
    const found = (await get("/review")) as { running: string | null }
    return found.running === null ? found : undefined
  })
}

test("a review before the first training says what to do, and there is no map", async () => {
  expect(await get("/review")).toMatchObject({ running: null, failure: null, review: null, trained: false, aside: [] })
  expect(await look()).toMatchObject({ review: null, failure: expect.stringContaining("run bun run retrain first") })
  expect(JSON.stringify(await get("/review"))).not.toContain(service.store)
  expect((await service.get("/map", { headers: bearer })).status).toBe(404)
}, 120_000)

test("what is found is decided, at once and for good", async () => {
  await Bun.write(join(service.store, COPY), smallCorpus().get(SHOT)!)
  await train(authorized(), "first")
  expect(await look()).toMatchObject({
    failure: null,
    classes: ["dog_bark", "gun_shot"],
    trained: true,
    review: { recordings: 11, counts: { silent: 0 }, duplicates: expect.any(Array) }
  })
  const pairs = async () => {
    const { review } = (await get("/review")) as {
      review: { duplicates: Array<{ recordings: Array<{ key: string }> }> }
    }
    return review.duplicates.map(({ recordings }) => recordings.map(({ key }) => key).sort())
  }
  expect(await pairs()).toContainEqual([COPY, SHOT])
  // Without the same bytes in two classes, which no model learns from.
  expect(await get("/map")).toMatchObject({ method: "pca", recordings: 9, points: expect.any(Array) })

  expect(await decide({ decision: "set aside", key: COPY })).toEqual([
    200,
    { success: true, message: "Moved to set_aside/dog_bark/copy.wav.", key: "set_aside/dog_bark/copy.wav" }
  ])
  expect(await pairs()).not.toContainEqual([COPY, SHOT])
  expect(await get("/classes")).toMatchObject({ recordings: 10 })
  expect(await get("/review")).toMatchObject({ aside: ["set_aside/dog_bark/copy.wav"] })
  expect(await decide({ decision: "restore", key: "set_aside/dog_bark/copy.wav" })).toMatchObject([200, { key: COPY }])
  expect(await pairs()).toContainEqual([COPY, SHOT])
  for (const key of [COPY, SHOT]) expect((await decide({ decision: "keep", key }))[0]).toBe(200)
  expect(await pairs()).not.toContainEqual([COPY, SHOT])

  const moved = "extracted_audio/gun_shot/copy.wav"
  expect(await decide({ decision: "relabel", key: COPY, class: "gun_shot" })).toMatchObject([200, { key: moved }])
  expect([COPY, moved].map((key) => existsSync(join(service.store, key)))).toEqual([false, true])
  expect(await get("/classes")).toMatchObject({ recordings: 11, new_since_training: 1 })
}, 120_000)

test("an unlabelled recording is offered, heard and labelled", async () => {
  const key = "unlabelled_audio/night/0042.wav"
  await Bun.write(join(service.store, key), sound("gun_shot", 901))
  await Bun.write(join(service.store, "unlabelled_audio/notes.wav"), "no sound")
  expect(await look()).toMatchObject({
    failure: null,
    review: { unlabelled: [{ key, suggested: expect.stringMatching(/^(dog_bark|gun_shot)$/) }] }
  })
  const heard = await service.get(`/clips/audio?key=${encodeURIComponent(key)}`, { headers: bearer })
  expect([heard.status, heard.headers.get("content-type")]).toEqual([200, "audio/wav"])
  const labelled = "extracted_audio/gun_shot/night/0042.wav"
  expect(await decide({ decision: "relabel", key, class: "gun_shot" })).toMatchObject([200, { key: labelled }])
  expect(await get("/review")).toMatchObject({ review: { unlabelled: [], counts: { unlabelled: 0 } } })
  expect(await get("/classes")).toMatchObject({ recordings: 12 })
}, 120_000)

test("what is damaged of a review or of the map is done without", async () => {
  const { promoted } = (await get("/models")) as { promoted: string }
  for (const file of ["review/review.json", `models/versions/${promoted}/map.json`, "models/map.json"]) {
    await Bun.write(join(service.store, file), "{")
  }
  expect(await get("/review")).toMatchObject({ review: null })
  const map = await service.get("/map", { headers: bearer })
  expect([map.status, await map.json()]).toEqual([404, { detail: expect.stringContaining("There is no map yet") }])
}, 120_000)

test("what cannot be decided is refused in one sentence", async () => {
  expect(await decide({ decision: "relabel", key: SHOT, class: "fox" })).toEqual([
    400,
    { detail: "There is no such class; known are dog_bark, gun_shot. Set ALLOW_NEW_CLASSES=1 for new ones." }
  ])
  for (const name of ["Elephant <b>", "con", "fox.", "unknown", "a/b", ""]) {
    expect(await decide({ decision: "relabel", key: SHOT, class: name })).toEqual([
      400,
      { detail: expect.stringMatching(/^A class's name is 1 to 64 lower-case letters/) }
    ])
  }
  expect(await decide({ decision: "keep", key: "extracted_audio/dog_bark/none.wav" })).toEqual([
    404,
    { detail: "There is no such recording." }
  ])
  for (const key of ["models/current.json", "../x", "extracted_audio/a/../../x.wav", ""]) {
    const [status] = await decide({ decision: "set aside", key })
    expect(status).toBe(400)
  }
  expect((await decide({ decision: "delete", key: SHOT }))[0]).toBe(422)
  expect((await authorized().post("/review/decide", "{"))?.status).toBe(400)
})

test("looking, deciding and the map need the token", async () => {
  for (const path of ["/review", "/review/decide"]) expect((await service.post(path, "{}")).status).toBe(401)
  for (const path of ["/review", "/map"]) expect((await service.get(path)).status).toBe(401)
})
