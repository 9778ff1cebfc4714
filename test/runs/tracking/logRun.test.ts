import { afterAll, beforeAll, expect, test } from "bun:test"
import { ConfigProvider, Effect, Layer, Logger } from "effect"
import { Settings } from "../../../src/config/settings.ts"
import type { RunSummary } from "../../../src/runs/summary.ts"
import { logRun } from "../../../src/runs/tracking/logRun.ts"
import { Store } from "../../../src/store/store.ts"
import { until } from "../../support/clusterWorld.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { fill, OPTIONS, smallCorpus, succeed } from "../../support/runWorld.ts"

/** A server that takes what MLflow takes, and keeps it. */
const tracker = (artefacts: string, answer: (path: string) => Response | undefined = () => undefined) => {
  const asked: Array<{ readonly path: string; readonly key: string | null; readonly body: unknown }> = []
  const server = Bun.serve({
    port: 0,
    fetch: async (request) => {
      const path = new URL(request.url).pathname.replace("/api/2.0/", "")
      asked.push({
        path,
        key: request.headers.get("authorization"),
        body: request.method === "POST" ? await request.json() : (await request.bytes()).length
      })
      return answer(path) ?? Response.json(ANSWERS[path]?.(artefacts) ?? {})
    }
  })
  const bodies = (path: string) => asked.filter((one) => one.path === path).map(({ body }) => body)
  return { uri: `http://127.0.0.1:${server.port}`, asked, bodies, stop: () => server.stop(true) }
}

const ANSWERS: Record<string, (artefacts: string) => object> = {
  "mlflow/experiments/get-by-name": () => ({ experiment: { experiment_id: "3" } }),
  "mlflow/experiments/create": () => ({ experiment_id: "4" }),
  "mlflow/runs/create": (artifact_uri) => ({ run: { info: { run_id: "r1", artifact_uri } } }),
  "mlflow/model-versions/create": () => ({ model_version: { version: "7" } })
}

const PROXIED = "mlflow-artifacts:/3/r1/artifacts"
const store = memoryStore(new Map())
let summary: RunSummary
let first: ReturnType<typeof tracker>

beforeAll(async () => {
  first = tracker(PROXIED)
  await fill(store, smallCorpus())
  summary = await succeed(store, {}, { MLFLOW_TRACKING_URI: first.uri })
})
afterAll(() => first.stop())

/** The warnings of logging the run again. */
const warningsAt = async (uri: string, run: RunSummary = summary) => {
  const warnings: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel === "Warn") warnings.push(String(message))
  })
  const settings = Settings.layer.pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { MLFLOW_TRACKING_URI: uri } })))
  )
  await Effect.runPromise(
    logRun(run, OPTIONS, 1000).pipe(
      Effect.provideService(Store, store),
      Effect.provide(Layer.merge(settings, Logger.layer([logger])))
    )
  )
  return warnings
}

test("a finished run is logged with its parameters, figures and files, and its version gets the alias", () => {
  expect(first.bodies("mlflow/runs/create")).toEqual([
    { experiment_id: "3", run_name: summary.runId, start_time: expect.any(Number) }
  ])
  const [batch] = first.bodies("mlflow/runs/log-batch") as ReadonlyArray<{
    readonly metrics: ReadonlyArray<{ readonly key: string; readonly value: number }>
    readonly params: ReadonlyArray<{ readonly key: string; readonly value: string }>
  }>
  const metrics = Object.fromEntries(batch!.metrics.map(({ key, value }) => [key, value]))
  expect(metrics).toMatchObject({
    macro_f1: summary.holdout.macroF1,
    recordings: 10,
    held_out: summary.holdout.recordings
  })
  expect(batch!.params).toContainEqual({ key: "epochs", value: "2" })
  const sent = first.asked.filter(({ path }) => path.startsWith("mlflow-artifacts/artifacts/3/r1/artifacts/"))
  const names = sent.map(({ path }) => path.split("/").at(-1))
  expect(names).toEqual(expect.arrayContaining(["ecosight.onnx", "model_metadata.json", "report.html"]))
  expect(first.bodies("mlflow/runs/update")).toMatchObject([{ run_id: "r1", status: "FINISHED" }])
  expect(first.bodies("mlflow/model-versions/create")).toMatchObject([{ source: PROXIED, run_id: "r1" }])
  expect(first.bodies("mlflow/registered-models/alias")).toEqual([
    { name: "ecosight", alias: "champion", version: "7" }
  ])
})

test("a version that is not promoted gets no alias; an experiment that is not there is made", async () => {
  const none = tracker(PROXIED, (path) =>
    path === "mlflow/experiments/get-by-name"
      ? Response.json({ error_code: "RESOURCE_DOES_NOT_EXIST" }, { status: 404 })
      : path === "mlflow/registered-models/create"
        ? Response.json({ error_code: "RESOURCE_ALREADY_EXISTS" }, { status: 400 })
        : undefined
  )
  expect(await warningsAt(none.uri, { ...summary, promoted: false })).toEqual([])
  expect(none.bodies("mlflow/runs/create")).toMatchObject([{ experiment_id: "4" }])
  expect(none.bodies("mlflow/model-versions/create")).toHaveLength(1)
  expect(none.bodies("mlflow/registered-models/alias")).toEqual([])
  none.stop()
})

test("a server that is down, or is no MLflow, costs the run a sentence", async () => {
  const gone = tracker(PROXIED)
  gone.stop()
  expect(await warningsAt(gone.uri)).toEqual([
    `The run is not wholly logged: the MLflow server at ${gone.uri} cannot be reached.`
  ])
  const other = tracker(PROXIED, () => new Response("<html>", { status: 200 }))
  expect(await warningsAt(other.uri)).toEqual([
    `The run is not wholly logged: the MLflow server at ${other.uri} does not answer as MLflow does.`
  ])
  other.stop()
  const full = tracker(PROXIED, (path) =>
    path === "mlflow/runs/log-batch" ? Response.json({ message: "The disk is full." }, { status: 500 }) : undefined
  )
  expect(await warningsAt(full.uri)).toEqual([
    `The run is not wholly logged: the MLflow server at ${full.uri} answers HTTP 500 (The disk is full.).`
  ])
  full.stop()
  const guarded = tracker(PROXIED, () => new Response("Who are you?", { status: 401 }))
  expect(await warningsAt(guarded.uri)).toEqual([
    `The run is not wholly logged: the MLflow server at ${guarded.uri} takes no request without a user and a password that it knows (MLFLOW_TRACKING_URI=https://user:password@server).`
  ])
  guarded.stop()
})

test("the user and password of an address are sent with each request, and told to nobody", async () => {
  const guarded = tracker(PROXIED)
  const address = guarded.uri.replace("://", "://me:p%40ss%3Aw%C3%B6rd@")
  expect(await warningsAt(address)).toEqual([])
  const key = `Basic ${Buffer.from("me:p@ss:wörd").toString("base64")}`
  expect(new Set(guarded.asked.map((one) => one.key))).toEqual(new Set([key]))
  guarded.stop()
  expect(await warningsAt(address)).toEqual([
    `The run is not wholly logged: the MLflow server at ${guarded.uri} cannot be reached.`
  ])
})

test("a server whose answer never ends is let go", async () => {
  let isLetGo = false
  const endless = tracker(
    PROXIED,
    () =>
      new Response(
        new ReadableStream({
          pull: async (stream) => {
            stream.enqueue(new Uint8Array(1 << 16))
            await Bun.sleep(1)
          },
          cancel: () => {
            isLetGo = true
          }
        })
      )
  )
  expect(await warningsAt(endless.uri)).toEqual([
    `The run is not wholly logged: the MLflow server at ${endless.uri} does not answer as MLflow does.`
  ])
  await until("it to be let go", async () => isLetGo || undefined)
  endless.stop()
})

test("where the server does not keep artefacts for its clients, no file is sent, and that is said", async () => {
  const apart = tracker("s3://bucket/3/r1/artifacts")
  expect(await warningsAt(apart.uri)).toEqual([
    "The version's files are not sent to MLflow: its server does not keep artefacts itself (s3://bucket/3/r1/artifacts)."
  ])
  expect(apart.asked.filter(({ path }) => path.startsWith("mlflow-artifacts"))).toEqual([])
  expect(apart.bodies("mlflow/runs/update")).toHaveLength(1)
  apart.stop()
})
