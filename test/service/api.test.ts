import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { sound } from "../support/runWorld.ts"
import { form, logged, readEvents, type Service, startService, train, until } from "../support/serviceWorld.ts"

let service: Service
beforeAll(async () => {
  service = await startService({ environment: { ALLOW_NEW_CLASSES: "1", MAX_UPLOAD_MB: "1" } })
}, 120_000)
afterAll(() => service[Symbol.asyncDispose]())

const bark = sound("dog_bark", 901)
const json = async (response: Response | Promise<Response>) =>
  (await response).json() as Promise<Record<string, unknown>>
const answer = async (response: Promise<Response>) => ({ status: (await response).status, body: await json(response) })

describe("before the first training", () => {
  test("what needs no model answers, what needs one says so", async () => {
    const { get, post } = service
    expect(await json(get("/"))).toMatchObject({ status: "operational", endpoints: { predict: "/predict" } })
    expect(await json(get("/health"))).toMatchObject({ status: "healthy", model_loaded: false })
    expect(await answer(get("/status"))).toEqual({ status: 503, body: { detail: "Model not loaded" } })
    expect((await get("/metrics")).status).toBe(404)
    expect(await json(get("/training-history"))).toEqual({
      has_history: false,
      training_history: null,
      retraining_log: null
    })
    expect((await post("/predict", form(bark, "bark.wav"))).status).toBe(503)
  })

  test("a training is not needed while fewer recordings are new than asked", async () => {
    const body = JSON.stringify({ trigger_reason: "test", min_new_samples: 11 })
    expect(await json(service.post("/retrain", body))).toEqual({
      success: false,
      message: "Only 10 recordings are new since the last training, fewer than 11.",
      status: "not_needed",
      new_samples: 10
    })
  })
})

describe("after a training", () => {
  let run: Awaited<ReturnType<typeof train>>
  beforeAll(async () => {
    run = await train(service, "a <reason>")
  }, 120_000)

  test("the run has a report, and its events can be read again from any point", async () => {
    expect(run).toMatchObject({
      status: "finished",
      trigger: "a <reason>",
      summary: { recordings: 10, promoted: true }
    })
    const events = await readEvents(await service.get(`/runs/${run.id}/events`))
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set(["progress", "epoch", "end"]))
    expect(events.at(-1)!.data).toMatchObject({ status: "finished", outcome: run.outcome })
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).sort((a, b) => a - b))
    const third = events[2]!.id
    const resumed = await service.get(`/runs/${run.id}/events`, { headers: { "last-event-id": String(third) } })
    expect(await readEvents(resumed)).toEqual(events.slice(3))
    const over = await service.get(`/runs/${run.id}/events`, {
      headers: { "last-event-id": String(events.at(-1)!.id) }
    })
    expect(over.status).toBe(204)
  })

  test("the model's figures are told as EcoSight tells them", async () => {
    const { get } = service
    const status = await json(get("/status"))
    expect(status).toMatchObject({
      status: "operational",
      model_loaded: true,
      num_classes: 2,
      classes: ["dog_bark", "gun_shot"]
    })
    expect(Object.keys(status)).toEqual([
      "status",
      "uptime",
      "total_predictions",
      "model_loaded",
      "model_name",
      "training_date",
      "test_accuracy",
      "num_classes",
      "classes"
    ])
    expect(status.uptime).toMatch(/^\d+d \d+h \d+m \d+s$/)
    expect(await json(get("/metrics"))).toContainKeys(["test_accuracy", "confusion_matrix", "per_class_metrics"])
    const history = await json(get("/training-history"))
    const curves = history.training_history as Record<string, Array<number>>
    expect(history.has_history).toBeTrue()
    expect(Object.keys(curves)).toEqual(["loss", "val_loss", "accuracy", "val_accuracy", "epochs"])
    expect(curves.epochs).toEqual(curves.loss!.map((_, at) => at + 1))
    expect(history.retraining_log).toContainKey("retraining_history")
  })

  test("a recording is classified, and what is no recording is refused", async () => {
    const { post } = service
    const prediction = await json(post("/predict", form(bark, "bark.wav")))
    expect(Object.keys(prediction)).toEqual([
      "success",
      "predicted_class",
      "confidence",
      "all_probabilities",
      "processing_time",
      "timestamp",
      "seconds_heard",
      "heard_to_the_end"
    ])
    const probabilities = prediction.all_probabilities as Record<string, number>
    expect(Object.values(probabilities).reduce((sum, value) => sum + value)).toBeCloseTo(1, 5)
    expect(prediction.confidence).toBe(Math.max(...Object.values(probabilities)))
    expect(probabilities[prediction.predicted_class as string]).toBe(prediction.confidence as number)
    const text = form(new TextEncoder().encode("not a sound"), "a.wav")
    expect(await answer(post("/predict", text))).toEqual({
      status: 400,
      body: { detail: expect.stringContaining("audio") }
    })
  })

  test("clients that ask for it are told where the model is not sure enough", async () => {
    const ask = (path: string, from: Service) => json(from.post(path, form(bark, "bark.wav")))
    const plain = await ask("/predict", service)
    const sure = await ask("/predict?unknown=1", service)
    expect(sure).toMatchObject({ predicted_class: plain.predicted_class, likeliest_class: plain.predicted_class })
    expect(sure.confidence as number).toBeGreaterThanOrEqual(sure.threshold as number)
    // The same model, if it had to be surer than it ever is.
    const file = join(service.store, "models/versions", run.id, "model_metadata.json")
    const metadata = await Bun.file(file).json()
    expect(Object.keys(metadata.decision_thresholds)).toEqual(["dog_bark", "gun_shot"])
    await Bun.write(file, JSON.stringify({ ...metadata, decision_thresholds: { dog_bark: 1.1, gun_shot: 1.1 } }))
    await using strict = await startService({ bucket: service.store })
    expect(await ask("/predict?unknown=1", strict)).toMatchObject({
      predicted_class: "unknown",
      likeliest_class: plain.predicted_class,
      threshold: 1.1
    })
    expect(await ask("/predict", strict)).toMatchObject({ predicted_class: plain.predicted_class })
    await Bun.write(file, JSON.stringify(metadata))
  })

  test("runs are listed, the newest first", async () => {
    const { runs } = (await json(service.get("/runs"))) as { runs: Array<{ id: string; trigger: string }> }
    expect(runs.map(({ id, trigger }) => [id, trigger])).toEqual([[run.id, "a <reason>"]])
    expect((await json(service.get(`/runs?before=${run.id}`))).runs).toEqual([])
  })

  test("a run can be cancelled, and leaves a record and no lease", async () => {
    const body = JSON.stringify({ min_new_samples: 0 })
    const { run_id: id } = await json(service.post("/retrain", body))
    expect(await json(service.post("/retrain", body))).toMatchObject({
      success: false,
      status: "in_progress",
      run_id: id
    })
    expect((await service.post(`/runs/${id}/cancel`)).status).toBe(200)
    expect(await json(service.get(`/runs/${id}`))).toMatchObject({ status: "cancelled" })
    expect((await service.post(`/runs/${id}/cancel`)).status).toBe(409)
    expect((await train(service, "again")).status).toBe("finished")
  })
})

describe("uploads", () => {
  test("a recording is stored under its class, and the same bytes only once", async () => {
    const { post, store } = service
    const first = await json(post("/upload", form(bark, "my bark.wav", { class_name: "dog_bark" })))
    expect(first).toMatchObject({ success: true, class: "dog_bark", s3_uploaded: false })
    expect(first.file_path).toMatch(/^extracted_audio\/dog_bark\/\d{8}T\d{6}Z_my_bark\.wav$/)
    expect(await Bun.file(join(store, first.file_path as string)).bytes()).toEqual(Uint8Array.from(bark))
    const second = await json(post("/upload?class_name=dog_bark", form(bark, "other.wav")))
    expect(second).toMatchObject({ success: true, file_path: first.file_path, class: "dog_bark" })
    expect([first.already_stored, second.already_stored]).toEqual([false, true])
    expect(second.message).toContain("stored once")
  })

  const NAMES = [
    "../../etc/passwd",
    "..\\..\\x.wav",
    "\u202Egnp.wav",
    "<b>x</b>.wav",
    "цапля 鳥.wav",
    "",
    "a".repeat(400)
  ]
  for (const [at, name] of NAMES.entries()) {
    test(`a file named ${JSON.stringify(name.slice(0, 20))} gets a safe name`, async () => {
      const stored = await json(service.post("/upload", form(sound("gun_shot", 500 + at), name || "blob")))
      expect(stored.file_path).toMatch(/^unlabelled_audio\/\d{8}T\d{6}Z_[\p{L}\p{M}\p{N}._-]+$/u)
      expect(await Bun.file(join(service.store, stored.file_path as string)).exists()).toBeTrue()
    })
  }

  test("a class may be new if its name is plain", async () => {
    const { post } = service
    const owl = form(sound("dog_bark", 777), "owl.wav", { class_name: "tawny_owl" })
    expect(await json(post("/upload", owl))).toMatchObject({ class: "tawny_owl" })
    for (const className of ["../x", "Owl", "a/b", "", "x".repeat(65), "сова"]) {
      const refused = await answer(post("/upload", form(sound("dog_bark", 778), "x.wav", { class_name: className })))
      expect(refused).toEqual({ status: 400, body: { detail: expect.stringMatching(/^[^\n]+\.$/) } })
    }
  })
})

describe("bad requests", () => {
  const count = async () => (await readdir(service.store, { recursive: true })).length
  const CASES: ReadonlyArray<readonly [what: string, status: number, send: () => Promise<Response>]> = [
    ["a body of the wrong type", 415, () => service.post("/predict", "{}", { "content-type": "application/json" })],
    [
      "multipart without a boundary",
      415,
      () => service.post("/upload", "x", { "content-type": "multipart/form-data" })
    ],
    [
      "multipart that is none",
      400,
      () => service.post("/upload", "x", { "content-type": "multipart/form-data; boundary=b" })
    ],
    ["no file", 422, () => service.post("/upload", new FormData())],
    ["a text where the file should be", 422, () => service.post("/upload", textForm())],
    ["an empty file", 400, () => service.post("/upload", form(new Uint8Array(), "a.wav"))],
    ["text as a recording", 400, () => service.post("/upload", form(new Uint8Array(500).fill(65), "a.wav"))],
    ["a damaged recording", 400, () => service.post("/upload", form(bark.slice(0, 30), "a.wav"))],
    ["more than MAX_UPLOAD_MB", 413, () => service.post("/upload", form(new Uint8Array(1_200_000), "a.wav"))],
    ["no JSON", 400, () => service.post("/retrain", "{")],
    ["JSON of the wrong shape", 422, () => service.post("/retrain", '{"min_new_samples":"many"}')],
    ["a number that is none", 422, () => service.get("/runs?limit=many")],
    ["a number that is too large", 422, () => service.get("/clips?limit=501")],
    ["no key", 422, () => service.get("/clips/audio")],
    ["an event's id that is none", 400, () => service.get("/runs/x/events", { headers: { "last-event-id": "first" } })],
    ["a body of JSON that is too large", 413, () => service.post("/retrain", JSON.stringify("x".repeat(20_000)))],
    ["an unknown run", 404, () => service.get("/runs/20200101T000000000Z-000000")],
    ["a run's id that is a path", 404, () => service.get("/runs/..%2Flease")],
    ["cancelling an unknown run", 404, () => service.post("/runs/20200101T000000000Z-000000/cancel")],
    ["an unknown path", 404, () => service.get("/nothing")]
  ]
  for (const [what, status, send] of CASES) {
    test(`${what}: ${status} with one sentence, and nothing is stored`, async () => {
      const before = await count()
      const response = await send()
      expect([response.status, await response.json()]).toEqual([
        status,
        { detail: expect.stringMatching(/^[`A-Za-z][^\n]{8,300}\.$/) }
      ])
      expect(await count()).toBe(before)
    })
  }

  const sentence = async (send: Promise<Response>) => {
    const { status, body } = await answer(send)
    return [status, (body as { detail: string }).detail]
  }

  test("what a body has that is not known, twice, of another shape or null is refused by name", async () => {
    const retrain = (body: string) => sentence(service.post("/retrain", body))
    expect(await retrain("null")).toEqual([422, expect.stringMatching(/^trigger_reason must be/)])
    expect(await retrain('{"min_new_sample": 1}')).toEqual([
      422,
      expect.stringMatching(/^`min_new_sample` is not known here: trigger_reason must be/)
    ])
    expect(await retrain('{"min_new_samples": 1, "min_new_samples": 100000}')).toEqual([
      422,
      "`min_new_samples` is given twice: send it once."
    ])
    expect(await retrain('{"min_new_samples": "1"}')).toEqual([
      422,
      expect.stringMatching(/^`min_new_samples` cannot be "1": trigger_reason must be/)
    ])
    const decide = (body: unknown) => sentence(service.post("/review/decide", JSON.stringify(body)))
    expect(await decide({ decision: "keep", key: "a", class: "dog_bark" })).toEqual([
      422,
      expect.stringMatching(/^`class` is not known here: the body must be/)
    ])
    expect(await decide({ decision: "relabel", key: "a" })).toEqual([422, expect.stringMatching(/^The body must be/)])
    expect(await sentence(service.get("/clips/audio"))).toEqual([
      422,
      "`key` is missing: key must be that of a recording."
    ])
    const change = { action: "remove", recordings: { keys: ["a"], matching: {}, expected: 1 } }
    expect(await sentence(service.post("/clips/changes", JSON.stringify(change)))).toEqual([
      422,
      expect.stringMatching(/^`recordings[^`]*` (cannot be|is not known here)/)
    ])
    for (const body of ["null", "[]", "1"]) {
      for (const path of ["/review/decide", "/clips/changes", "/events/judge", "/annotations/recording"]) {
        expect([path, ...(await sentence(service.post(path, body)))]).toEqual([
          path,
          422,
          expect.stringMatching(/^The body must be/)
        ])
      }
    }
  })

  test("what a query has that is not known or twice is refused by name, and so is one that nobody reads", async () => {
    expect(await sentence(service.get("/clips?clas=dog_bark"))).toEqual([
      422,
      expect.stringMatching(/^`clas` is not known here: limit must be/)
    ])
    expect(await sentence(service.get("/clips?class=dog_bark&class=gun_shot"))).toEqual([
      422,
      "`class` is given twice: send it once."
    ])
    for (const limit of ["0x5", "1e1", "%205", "-0", "5.0", ""]) {
      expect((await service.get(`/clips?limit=${limit}`)).status).toBe(422)
    }
    expect((await service.get("/clips?limit=5&search=a,b")).status).toBe(200)
    for (const path of ["/retrain", "/review", "/models/rollback", "/runs/x/cancel", "/clips/changes/x/undo"]) {
      expect(await sentence(service.post(`${path}?dry=1`, "{}"))).toEqual([
        422,
        "`dry` is not known here: this path takes no query."
      ])
    }
    // A page may be asked for past a cache.
    expect((await service.get("/health?now=1")).status).toBe(200)
  })

  test("what a form has beside its file that is not known, twice or a file is refused by name", async () => {
    const before = await count()
    const sent = (path: string, ...fields: ReadonlyArray<readonly [string, string | Blob]>) => {
      const data = form(sound("dog_bark", 779), "a.wav")
      for (const [name, value] of fields) data.append(name, value)
      return sentence(service.post(path, data))
    }
    expect(await sent("/upload", ["clas_name", "dog_bark"])).toEqual([
      422,
      expect.stringMatching(/^`clas_name` is not known here: the form has/)
    ])
    expect(await sent("/upload", ["class_name", "dog_bark"], ["class_name", "gun_shot"])).toEqual([
      422,
      "`class_name` is given twice: send it once."
    ])
    expect(await sent("/upload", ["class_name", new Blob(["dog_bark"])])).toEqual([
      422,
      "There is a file in the field `class_name`: only `file` holds one."
    ])
    expect((await sent("/upload?class_name=gun_shot", ["class_name", "dog_bark"]))[0]).toBe(422)
    // EcoSight's clients may send more.
    expect((await sent("/predict", ["device", "ridge"]))[0]).toBe(200)
    expect(await sent("/annotations", ["recordings", "a"])).toEqual([
      422,
      expect.stringMatching(/^`recordings` is not known here: the form has/)
    ])
    expect(await count()).toBe(before)
  })

  const textForm = () => {
    const data = new FormData()
    data.append("file", "text")
    return data
  }

  test("a body without a length is read no further than the limit", async () => {
    let sent = 0
    const endless = new ReadableStream({
      pull: async (controller) => {
        controller.enqueue(new Uint8Array(65_536))
        sent += 65_536
        await Bun.sleep(1)
        if (sent > 200_000_000) controller.close()
      }
    })
    const send = service.post("/upload", endless, { "content-type": "multipart/form-data; boundary=b" })
    // The answer may come before the body has gone, and the connection be closed with it.
    const status = await send.then((response) => response.status).catch(() => "closed")
    expect([413, "closed"]).toContain(status)
    expect(sent).toBeLessThan(100_000_000)
    expect((await service.get("/health")).status).toBe(200)
  })
})

test("answers carry security headers, and no page is told what failed", async () => {
  const { headers } = await service.get("/health")
  expect(headers.get("x-content-type-options")).toBe("nosniff")
  expect(headers.get("x-frame-options")).toBe("DENY")
  expect(headers.get("content-security-policy")).toContain("default-src 'none'")
  expect(headers.get("access-control-allow-origin")).toBeNull()
})

test("a request without a host that can be read is refused as any other", async () => {
  const ask = (head: string) =>
    new Promise<string>((resolve) => {
      let text = ""
      void Bun.connect({
        hostname: "127.0.0.1",
        port: Number(new URL(service.url).port),
        socket: {
          open: (socket) => void socket.write(`${head}\r\nConnection: close\r\n\r\n`),
          data: (_, chunk) => {
            text += chunk.toString()
          },
          close: () => resolve(text)
        }
      })
    })
  for (const head of ["GET /health HTTP/1.0", "GET /health HTTP/1.1\r\nHost: [", "OPTIONS /predict HTTP/1.0"]) {
    const text = await ask(head)
    expect(text).toStartWith("HTTP/1.1 400 ")
    expect(text.toLowerCase()).toContain("x-frame-options: deny")
    expect(text).toEndWith('{"detail":"The request does not name its host."}')
  }
})

test("every route states its input, answers and refusals at /openapi", async () => {
  const { paths } = (await json(service.get("/openapi"))) as {
    paths: Record<string, Record<string, Described>>
  }
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(["/predict", "/upload", "/retrain", "/runs/{id}/events"]))
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => [`${method} ${path}`, route] as const)
  )
  for (const [route, { responses = {} }] of routes) {
    const { 200: success, ...refusals } = responses
    expect([route, Object.values(success?.content ?? {}).map(({ schema }) => typeof schema)]).toEqual([
      route,
      ["object"]
    ])
    for (const { content } of Object.values(refusals)) {
      expect([route, content?.["application/json"]?.schema]).toEqual([
        route,
        expect.objectContaining({ required: ["detail"] })
      ])
    }
  }
  const bodies = routes.flatMap(([route, { requestBody }]) =>
    requestBody === undefined ? [] : [`${route}: ${Object.keys(requestBody.content ?? {})}`]
  )
  expect(bodies.sort()).toEqual([
    "post /annotations/recording: application/json",
    "post /annotations: multipart/form-data",
    "post /clips/changes: application/json",
    "post /events/judge: application/json",
    "post /predict: multipart/form-data",
    "post /retrain: application/json",
    "post /review/decide: application/json",
    "post /scan: application/json,multipart/form-data",
    "post /upload: multipart/form-data"
  ])
  const scan = paths["/scan"]!.post!.requestBody!.content as Record<
    string,
    { schema: { anyOf: Array<{ properties: object }> } }
  >
  expect(scan["multipart/form-data"]!.schema.anyOf.map(({ properties }) => Object.keys(properties))).toEqual([
    ["recording", "site", "model", "threshold", "alarms"],
    ["file", "site", "model", "threshold", "alarms"]
  ])
  expect(paths["/clips"]!.get!.parameters!.map(({ name }) => name)).toEqual([
    "class",
    "search",
    "order",
    "skip",
    "limit",
    "after"
  ])
})

type Content = { content?: Record<string, { schema?: unknown }> }
interface Described {
  readonly responses?: Record<string, Content>
  readonly requestBody?: Content
  readonly parameters?: ReadonlyArray<{ name: string }>
}

test("who asks too often is told how long to wait", async () => {
  await using busy = await startService({ environment: { RATE_LIMIT: "2" } })
  const statuses = [await busy.post("/predict"), await busy.post("/predict")].map(({ status }) => status)
  expect(statuses).toEqual([415, 415])
  const refused = await busy.post("/predict")
  const wait = refused.headers.get("retry-after")
  expect([refused.status, wait]).toEqual([429, expect.stringMatching(/^\d+$/)])
  expect(await json(refused)).toEqual({ detail: `Too many requests: try again in ${wait} s.` })
  expect((await busy.get("/health")).status).toBe(200)
})

test("what the service does is counted for Prometheus", async () => {
  const text = await (await service.get("/prometheus")).text()
  expect(text).toMatch(/^ecosight_predictions_total \d+$/m)
})

test("a model that has no ecosight.onnx predicts nothing, and the answer says why and what to do", async () => {
  const { runId } = (await Bun.file(join(service.store, "models/current.json")).json()) as { runId: string }
  const model = join(service.store, "models/versions", runId, "ecosight.onnx")
  const bytes = await Bun.file(model).bytes()
  const [engine] = await children(service.pid)
  await rm(model)
  await rm(service.cache, { recursive: true, force: true })
  process.kill(engine!, "SIGKILL")
  const refused = await until(async () => {
    const { status, body } = await answer(service.post("/predict", form(bark, "bark.wav")))
    return status === 503 && !String(body.detail).includes("try again") ? body : undefined
  })
  expect(refused).toEqual({
    detail:
      "The promoted model has no ecosight.onnx, by which the service predicts: its embedder cannot be one graph, or the " +
      "file was removed. Promote another version."
  })
  await writeFile(model, bytes)
  expect((await service.post("/predict", form(bark, "bark.wav"))).status).toBe(200)
})

test("a model whose bytes are not those that were written is written again from its copy before it predicts", async () => {
  const { runId } = (await Bun.file(join(service.store, "models/current.json")).json()) as { runId: string }
  const ask = async () => (await answer(service.post("/predict", form(bark, "bark.wav")))).body.all_probabilities
  const before = await ask()
  const model = join(service.store, "models/versions", runId, "ecosight.onnx")
  const bytes = await Bun.file(model).bytes()
  // Weights lie behind each other to the end: the graph opens, and says something else.
  await writeFile(model, bytes.with(bytes.length - 3000, bytes[bytes.length - 3000]! ^ 0x40))
  await rm(service.cache, { recursive: true, force: true })
  const [engine] = await children(service.pid)
  process.kill(engine!, "SIGKILL")
  expect(await until(ask)).toEqual(before)
  expect(await Bun.file(model).bytes()).toEqual(bytes)
})

test("a damaged model serves from this machine's copy; without that it is set aside, and the one before serves", async () => {
  const { runId } = (await Bun.file(join(service.store, "models/current.json")).json()) as { runId: string }
  await writeFile(join(service.store, "models/versions", runId, "class_names.json"), "{")
  await writeFile(join(service.store, "models/class_names.json"), "{")
  const again = async () => {
    const [engine] = await children(service.pid)
    process.kill(engine!, "SIGKILL")
    return until(async () => {
      const { status, body } = await answer(service.post("/predict", form(bark, "bark.wav")))
      return status === 503 && String(body.detail).includes("try again") ? undefined : status
    })
  }
  await until(async () => existsSync(service.cache) || undefined)
  expect(await again()).toBe(200)
  await rm(service.cache, { recursive: true })
  expect(await again()).toBe(200)
  await logged(service, `Version ${runId} is set aside: The model of ${runId} cannot be loaded: `)
})

test.each([
  ["are too many", (names: ReadonlyArray<string>) => [...names, "fox"]],
  ["are too few", (names: ReadonlyArray<string>) => names.slice(1)],
  ["are not told apart", (names: ReadonlyArray<string>) => names.map(() => "fox")]
])("a model whose classes %s is set aside, and the one before serves", async (_, change) => {
  const { runId, history } = (await Bun.file(join(service.store, "models/current.json")).json()) as {
    runId: string
    history: Array<{ runId: string }>
  }
  const file = join(service.store, "models/versions", runId, "class_names.json")
  const names = (await Bun.file(
    join(service.store, "models/versions", history[0]!.runId, "class_names.json")
  ).json()) as Array<string>
  await writeFile(file, JSON.stringify(change(names)))
  await rm(service.cache, { recursive: true, force: true })
  const [engine] = await children(service.pid)
  process.kill(engine!, "SIGKILL")
  const { body } = await until(async () => {
    const found = await answer(service.post("/predict", form(bark, "bark.wav")))
    return found.status === 503 && String(found.body.detail).includes("try again") ? undefined : found
  })
  expect(Object.keys(body.all_probabilities as object).sort()).toEqual([...names].sort())
  await logged(service, `Version ${runId} is set aside: The model of ${runId} `)
})

const children = async (pid: number): Promise<Array<number>> =>
  (await Bun.file(`/proc/${pid}/task/${pid}/children`).text())
    .trim()
    .split(" ")
    .filter((text) => text !== "")
    .map(Number)

test("a sole version that is damaged is told with 503, and nothing else fails for it", async () => {
  // No copy can be kept on this machine.
  await using alone = await startService({ environment: { MODEL_CACHE: "/dev/null/cache" } })
  const { id } = await train(alone, "only")
  for (const folder of [`models/versions/${id}`, "models"])
    await writeFile(join(alone.store, folder, "ecosight.onnx"), "")
  const [engine] = await children(alone.pid)
  process.kill(engine!, "SIGKILL")
  const refused = await until(async () => {
    const { status, body } = await answer(alone.post("/predict", form(bark, "bark.wav")))
    return status === 503 && String(body.detail).includes("try again") ? undefined : { status, body }
  })
  expect(refused).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining("The promoted model has no ecosight.onnx") }
  })
  await logged(alone, `It is set aside as models/versions/${id}/ecosight.onnx.damaged-`)
  const others = ["/health", "/status", "/classes", "/models", "/clips", "/review", "/runs", "/metrics"]
  const answers = await Promise.all(others.map(async (path) => [path, (await alone.get(path)).status]))
  expect(answers).toEqual(others.map((path) => [path, 200]))
}, 120_000)
