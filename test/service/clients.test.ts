import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { pickle } from "../../src/classifier/export/pickle.ts"
import { sound } from "../support/runWorld.ts"
import { form, logged, readEvents, type Service, startService, train } from "../support/serviceWorld.ts"

// What EcoSight's own clients, proxies, newcomers and strangers do.

const TOKEN = "a-token-of-the-service"
const bearer = { authorization: `Bearer ${TOKEN}` }

let service: Service
let run: Awaited<ReturnType<typeof train>>
beforeAll(async () => {
  service = await startService({ environment: { API_TOKEN: TOKEN, TRUSTED_PROXIES: "127.0.0.1", AUDIT_COPIES: "0" } })
  run = await train(
    { ...service, post: (path, body) => service.post(path, body, bearer) },
    "a reason\n[12:00:00] INFO: forged \u001b[31mred\u202e"
  )
}, 120_000)
afterAll(() => service[Symbol.asyncDispose]())

const json = async (response: Response | Promise<Response>) =>
  (await response).json() as Promise<Record<string, unknown>>

describe("EcoSight's clients", () => {
  test("every curve has a first figure, and as many as there are epochs", async () => {
    const { training_history } = await json(service.get("/training-history"))
    const curves = training_history as Record<string, Array<number>>
    expect(Object.keys(curves)).toEqual(["loss", "val_loss", "accuracy", "val_accuracy", "epochs"])
    for (const figures of Object.values(curves)) expect(figures.length).toBe(curves.epochs!.length)
    expect(curves.val_loss!.every((loss) => loss > 0)).toBeTrue()
  })

  test("a model from before there was one leaves it out", async () => {
    const version = join(service.store, "models/versions", run.id)
    const [file, seal] = [join(version, "training_history.pkl"), join(version, "seal-1.json")]
    const before = await Promise.all([file, seal].map((path) => Bun.file(path).bytes()))
    await Bun.write(file, pickle({ loss: [2, 1], accuracy: [0.5, 0.75], lr: [0.1, 0.1] }))
    // Nor had it a seal, which tells what its files are.
    await rm(seal)
    await using old = await startService({ place: service.store })
    const { training_history } = await json(old.get("/training-history"))
    expect(training_history).toEqual({ loss: [2, 1], accuracy: [0.5, 0.75], epochs: [1, 2] })
    await Promise.all([Bun.write(file, before[0]!), Bun.write(seal, before[1]!)])
  })

  test("times are such as Python 3.8 reads, and JavaScript", async () => {
    const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/
    const predicted = await json(service.post("/predict", form(sound("dog_bark", 1), "a.wav"), bearer))
    const { runs } = (await json(service.get("/runs"))) as { runs: ReadonlyArray<{ startedAt: string }> }
    for (const time of [(await json(service.get("/health"))).timestamp, predicted.timestamp, runs[0]!.startedAt]) {
      expect(time).toMatch(moment)
      expect(Date.parse(String(time))).toBeGreaterThan(0)
    }
  })

  test("yes and no are written as FastAPI takes them", async () => {
    const ask = (unknown: string) =>
      service.post(`/predict?unknown=${unknown}`, form(sound("dog_bark", 1), "a.wav"), bearer)
    for (const yes of ["true", "True", "1", "yes", "on"]) expect(await json(ask(yes))).toContainKey("likeliest_class")
    for (const no of ["false", "0"]) expect(await json(ask(no))).not.toContainKey("likeliest_class")
    for (const other of ["maybe", "constructor", ""]) {
      const refused = await ask(other)
      expect([refused.status, await refused.json()]).toEqual([
        422,
        { detail: `\`unknown\` cannot be "${other}": unknown must be true or false.` }
      ])
    }
  })
})

describe("without the token", () => {
  test("a run's record and events name no file, no machine and no store", async () => {
    const record = await (await service.get(`/runs/${run.id}`)).text()
    const events = await (await service.get(`/runs/${run.id}/events`)).text()
    const list = await (await service.get("/runs")).text()
    for (const text of [record, events, list]) {
      for (const secret of [service.store, tmpdir(), hostname(), "extracted_audio"]) expect(text).not.toContain(secret)
    }
    expect(JSON.parse(record)).toMatchObject({ status: "finished", summary: { recordings: 10, promoted: true } })
    const whole = await json(service.get(`/runs/${run.id}`, { headers: bearer }))
    expect(whole).toMatchObject({ summary: { store: service.store } })
  })

  test("what a run's record says of single recordings is told with the token alone", async () => {
    const [from, id] = [run.id, "20200101T000000001Z-000000"].map((name) => join(service.store, `runs/${name}.json`))
    const record = await Bun.file(from!).json()
    const key = "extracted_audio/dog_bark/a.wav"
    const summary = { ...record.summary, silent: [key], noted: [{ key, note: "Its channels cancel." }] }
    await Bun.write(id!, JSON.stringify({ ...record, summary }))
    const path = "/runs/20200101T000000001Z-000000"
    expect(await json(service.get(path))).toMatchObject({ summary: { silent: [], noted: [] } })
    const { silent, noted } = summary
    expect(await json(service.get(path, { headers: bearer }))).toMatchObject({ summary: { silent, noted } })
  })

  test("why a run failed is not told", async () => {
    const id = "20200101T000000000Z-000000"
    await Bun.write(
      join(service.store, `runs/${id}.json`),
      JSON.stringify({ runId: id, status: "failed", reason: { message: `${service.store} is gone.` } })
    )
    const outcome = "The run failed; why is told with the token."
    expect(await json(service.get(`/runs/${id}`))).toMatchObject({ status: "failed", outcome })
    expect((await readEvents(await service.get(`/runs/${id}/events`))).at(-1)!.data).toMatchObject({ outcome })
    expect(await json(service.get(`/runs/${id}`, { headers: bearer }))).toMatchObject({
      outcome: `${service.store} is gone.`
    })
  })

  test("where a run was interrupted is not told", async () => {
    const id = "20200102T000000000Z-000000"
    await Bun.write(
      join(service.store, `runs/${id}.json`),
      JSON.stringify({ runId: id, status: "interrupted", reason: "The process of this run (on alpha) was gone." })
    )
    const outcome = "The run was interrupted; why is told with the token."
    expect(await json(service.get(`/runs/${id}`))).toMatchObject({ status: "interrupted", outcome })
    expect((await readEvents(await service.get(`/runs/${id}/events`))).at(-1)!.data).toMatchObject({ outcome })
    expect(await json(service.get(`/runs/${id}`, { headers: bearer }))).toMatchObject({
      outcome: "The process of this run (on alpha) was gone."
    })
  })

  test("a refusal says how to authenticate, and a wrong token is logged without it", async () => {
    const refused = await service.get("/clips", { headers: { authorization: "Bearer not-the-token-at-all" } })
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="EcoSight"'])
    await logged(service, "sent a wrong token to /clips.\n")
    expect(service.log()).not.toContain("not-the-token-at-all")
  })
})

test("what a client writes is one line of the log, and no escape code", async () => {
  expect(run).toMatchObject({ trigger: "a reason [12:00:00] INFO: forged [31mred" })
  await logged(service, "started: a reason [12:00:00] INFO: forged [31mred")
  expect(service.log()).not.toMatch(/^\[12:00:00\]/m)
  expect(service.log()).not.toContain("\u001b[31m")
})

test("the service's own runs write no audit copies where that is not wanted", async () => {
  expect(await readdir(service.store)).not.toContain("augmented_audio")
})

test("another method is refused with those that there are", async () => {
  const refused = await service.get("/predict")
  expect([refused.status, refused.headers.get("allow")]).toEqual([405, "POST"])
  expect(await refused.json()).toEqual({ detail: "This path has POST only." })
})

test("a host's name, however short, does not change which path the guard sees", async () => {
  for (const host of ["a", "ab", "abc", "abcd"]) {
    // Read from the 12th character of the address on, these would be /clips.
    for (const path of ["/x/clips", "/runs/clips", "/dashboard/clips", "/models/clips"]) {
      const answer = await service.get(path, { headers: { host }, redirect: "manual" })
      expect([host, path, answer.status]).not.toEqual([host, path, 200])
      expect(await answer.text()).not.toContain("extracted_audio")
    }
  }
})

test("the API is described, with a page that loads nothing from elsewhere", async () => {
  const { security, components } = await json(service.get("/openapi.json"))
  expect(security).toEqual([{ token: [] }])
  expect(components).toMatchObject({ securitySchemes: { token: { type: "http", scheme: "bearer" } } })
  const page = await service.get("/docs")
  const html = await page.text()
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self'")
  expect(html).not.toMatch(/https?:/)
  const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path!)
  expect(files.length).toBe(3)
  for (const file of files) expect([file, (await service.get(file)).status]).toEqual([file, 200])
})

test("the page is packed, and sent once", async () => {
  const [script = ""] = /\/dashboard\/[^"]+\.js/.exec(await (await service.get("/dashboard")).text()) ?? []
  for (const path of [script, "/docs/swagger-ui.css"]) {
    const plain = await service.get(path, { headers: { "accept-encoding": "identity" } })
    const packed = await service.get(path, { headers: { "accept-encoding": "br, gzip" } })
    expect([plain.headers.get("content-encoding"), packed.headers.get("content-encoding")]).toEqual([null, "gzip"])
    expect(await packed.text()).toBe(await plain.text())
    const etag = plain.headers.get("etag")!
    const again = await service.get(path, { headers: { "if-none-match": `"other", ${etag}` } })
    expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag])
    expect((await service.get(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200)
  }
})

test("requests are counted by route, and what clients make up is no label", async () => {
  await service.get("/models/nobody-knows-this")
  await service.get("/nobody/knows/this")
  const text = await (await service.get("/prometheus")).text()
  expect(text).toMatch(/^ecosight_http_requests_total\{.*route="\/models\/:id".*\} \d+$/m)
  expect(text).not.toContain("nobody")
  for (const name of ["ecosight_runs_total{.*finished.*}", "ecosight_prediction_queue", "ecosight_model_loaded"]) {
    expect(text).toMatch(new RegExp(`^${name} \\d+$`, "m"))
  }
  expect(text).toMatch(/^ecosight_model_trained_timestamp_seconds \d+$/m)
})

describe("a newcomer's store", () => {
  let folder: string
  let fresh: Service
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fresh-"))
    await Bun.write(join(folder, "extracted_audio/fox/where and when.csv"), "name,place")
    fresh = await startService({ place: folder })
  }, 120_000)
  afterAll(async () => {
    await fresh[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const send = (className: string, seed: number) =>
    fresh.post("/upload", form(sound("dog_bark", seed), `${seed}.wav`, { class_name: className }))

  test("takes new classes while it is being set up, by names that any system takes", async () => {
    expect(await json(fresh.get("/classes"))).toMatchObject({ classes: [], new_classes_allowed: true })
    for (const [at, name] of ["wolf", "owl", "fox"].entries()) {
      expect(await json(send(name, at))).toMatchObject({ class: name })
    }
    for (const [at, name] of ["con", "nul", "com1", "Owl", "owl.", "owl ", "a/b"].entries()) {
      expect((await send(name, 50 + at)).status).toBe(400)
    }
    expect(await json(fresh.get("/classes"))).toMatchObject({ recordings: 3, new_classes_allowed: true })
  })

  test("is told of files beside the recordings, which are no class", async () => {
    expect(await json(fresh.get("/classes"))).toMatchObject({ others: 1 })
  })

  test("keeps what has no class for a review to be labelled, and does not train on it", async () => {
    const stored = await json(fresh.post("/upload", form(sound("dog_bark", 90), "what.wav")))
    expect(stored).toMatchObject({ class: "unknown" })
    expect(stored.file_path).toStartWith("unlabelled_audio/")
    expect(await Bun.file(join(folder, String(stored.file_path))).exists()).toBeTrue()
    expect(await json(fresh.get("/classes"))).toMatchObject({ recordings: 3 })
  })
})

test("a store that is set up takes a new class only where that is allowed, and says so", async () => {
  expect(await json(service.get("/classes"))).toMatchObject({ new_classes_allowed: false })
  const refused = await service.post("/upload", form(sound("dog_bark", 2), "a.wav", { class_name: "owl" }), bearer)
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { detail: "There is no such class; known are dog_bark, gun_shot. Set ALLOW_NEW_CLASSES=1 for new ones." }
  ])
})

test("a page behind the trusted proxy may write under the name that the proxy was asked by, and no other", async () => {
  const ask = (origin: string, headers: Record<string, string> = {}) =>
    service.post("/retrain", '{"min_new_samples": 1000}', { ...bearer, host: "localhost", origin, ...headers })
  expect((await ask("http://localhost:8080")).status).toBe(200)
  expect((await ask("https://ours.example", { "x-forwarded-host": "ours.example" })).status).toBe(200)
  expect((await ask("http://evil.example")).status).toBe(403)
})
