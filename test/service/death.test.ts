import { afterAll, beforeAll, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { sound } from "../support/runWorld.ts"
import { form, processesOf, type Service, startService, train, until } from "../support/serviceWorld.ts"

let service: Service
beforeAll(async () => {
  service = await startService()
  await train(service, "first")
}, 120_000)
afterAll(() => service[Symbol.asyncDispose]())

const json = async (path: string) => (await service.get(path)).json() as Promise<Record<string, unknown>>
const predict = () => service.post("/predict", form(sound("dog_bark", 9), "bark.wav"))

/** Whether the run's own process is at work, which holds the lease then and has written the record. */
const isTraining = async ({ store }: Service, id: string): Promise<boolean> => {
  const lease = Bun.file(join(store, "runs/lease.json"))
  if (!(await lease.exists()) || (await lease.json()).runId !== id) return false
  return (await Bun.file(join(store, `runs/${id}.json`)).json()).recipe !== undefined
}

test("an engine that is killed costs the request that it works on, and no other", async () => {
  expect((await predict()).status).toBe(200)
  const asked = Array.from({ length: 12 }, predict)
  await asked[0]
  const [engine] = await processesOf(service, "predictorProgram.ts")
  process.kill(engine!, "SIGKILL")
  const answers = await Promise.all(asked)
  const lost = answers.filter(({ status }) => status !== 200)
  expect(lost.length).toBeLessThanOrEqual(1)
  for (const answer of lost) {
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"])
    expect(await answer.json()).toEqual({ detail: "The engine stopped while it worked on this; please try again." })
  }
  expect((await predict()).status).toBe(200)
  expect(await processesOf(service, "predictorProgram.ts")).not.toContain(engine!)
  expect((await json("/health")).status).toBe("healthy")
}, 120_000)

test("a run that is killed is marked, leaves nothing half-written, and can be started again", async () => {
  const copy = join(service.store, "models/classifier.onnx")
  const whole = await readFile(copy)
  const before = (await json("/models")) as { models: Array<unknown>; promoted: string }
  const { run_id: id } = (await (
    await service.post("/retrain", JSON.stringify({ trigger_reason: "doomed", min_new_samples: 0 }))
  ).json()) as { run_id: string }
  await until(async () => (await isTraining(service, id)) || undefined)
  const [run] = await processesOf(service, "runProgram.ts")
  // As it leaves the copies where it dies while it promotes.
  await writeFile(copy, "of the model before")
  process.kill(run!, "SIGKILL")
  const ended = await until(async () => {
    const found = await json(`/runs/${id}`)
    return found.status === "running" ? undefined : found
  })
  expect(ended).toMatchObject({ status: "failed", trigger: "doomed", outcome: expect.stringContaining("died") })
  expect(JSON.parse(await readFile(join(service.store, `runs/${id}.json`), "utf8"))).toMatchObject({ status: "failed" })
  await until(async () => (await readFile(copy)).equals(whole) || undefined)
  expect(await json("/models")).toEqual(before)
  expect((await predict()).status).toBe(200)
  expect((await train(service, "again")).status).toBe("finished")
  const files = await readdir(service.store, { recursive: true })
  expect(files.filter((file) => /\.(tmp|part|draft)/.test(file))).toEqual([])
}, 120_000)

test("a service that starts makes good the copies that a dead promotion left behind", async () => {
  const copy = join(service.store, "models/classifier.onnx")
  const whole = await readFile(copy)
  await writeFile(copy, "of the model before")
  await using _ = await startService({ place: service.store })
  await until(async () => (await readFile(copy)).equals(whole) || undefined)
}, 120_000)

test("a service that is asked to end cancels its run and gives the lease back", async () => {
  await using other = await startService()
  const { run_id: id } = (await (await other.post("/retrain", JSON.stringify({ min_new_samples: 0 }))).json()) as {
    run_id: string
  }
  const record = async () => JSON.parse(await readFile(join(other.store, `runs/${id}.json`), "utf8"))
  await until(async () => (await isTraining(other, id)) || undefined)
  process.kill(other.pid, "SIGTERM")
  await until(async () => ((await record()).status === "running" ? undefined : true))
  expect(await record()).toMatchObject({ status: "cancelled" })
  const lease = await until(async () => {
    const found = JSON.parse(await readFile(join(other.store, "runs/lease.json"), "utf8"))
    return found.released ? found : undefined
  })
  expect(lease.runId).toBe(id)
  await until(async () => other.log().includes(`Run ${id} cancelled`) || undefined)
}, 120_000)

test("a service that is killed leaves no process behind, and its run is cancelled", async () => {
  await using other = await startService({ watching: true })
  const { run_id: id } = (await (await other.post("/retrain", JSON.stringify({ min_new_samples: 0 }))).json()) as {
    run_id: string
  }
  const record = join(other.store, `runs/${id}.json`)
  await until(async () => (await isTraining(other, id)) || undefined)
  const programs = ["predictorProgram.ts", "runProgram.ts", "watcherProgram.ts"]
  const children = (await Promise.all(programs.map((program) => processesOf(other, program)))).flat()
  expect(children).toHaveLength(3)
  process.kill(other.pid, "SIGKILL")
  for (const child of children) await until(async () => (existsSync(`/proc/${child}`) ? undefined : true))
  expect(JSON.parse(await readFile(record, "utf8"))).toMatchObject({ status: "cancelled" })
}, 120_000)

test("another host needs a token or leave to be open", async () => {
  const refused = Bun.spawn(
    [process.execPath, "pipelines/serve.ts", "--store", service.store, "--host", "0.0.0.0", "--port", "0"],
    {
      env: { PATH: process.env.PATH },
      stdio: ["ignore", "pipe", "pipe"]
    }
  )
  expect(await refused.exited).not.toBe(0)
  expect((await new Response(refused.stdout).text()) + (await new Response(refused.stderr).text())).toContain(
    "set API_TOKEN, or ALLOW_ANONYMOUS=1"
  )
}, 120_000)
