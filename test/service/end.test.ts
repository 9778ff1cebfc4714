import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { sound } from "../support/runWorld.ts"
import { form, processesOf, type Service, startService, train, until } from "../support/serviceWorld.ts"

const body = (at: number, fields = {}) => form(sound("dog_bark", 2000 + at), `${at}.wav`, fields)
const hasEnded = ({ pid }: Service) => until(async () => !existsSync(`/proc/${pid}`) || undefined)

test("a service that is asked to end answers what is under way, and ends", async () => {
  await using service = await startService()
  await train(service, "first")
  const asked = Array.from({ length: 60 }, (_, at) =>
    at % 2 ? service.post("/upload", body(at, { class_name: "dog_bark" })) : service.post("/predict", body(at))
  )
  await asked[0]
  process.kill(service.pid, "SIGTERM")
  const answers = await Promise.all(asked)
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  for (const answer of answers.filter((_, at) => at % 2)) {
    const { file_path } = (await answer.json()) as { file_path: string }
    expect(existsSync(join(service.store, file_path))).toBe(true)
  }
  await hasEnded(service)
  expect(fetch(`${service.url}/health`)).rejects.toThrow()
}, 120_000)

/** A request whose body does not end: the service would wait for it. */
const hold = (service: Service) => {
  const { hostname, port } = new URL(service.url)
  const head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n"
  return Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: (socket) => void socket.write(`${head}Content-Length: 1000\r\n\r\n--B\r\n`),
      data: () => {},
      error: () => {}
    }
  })
}

test("asked twice, it ends at once", async () => {
  await using service = await startService()
  await hold(service)
  await service.get("/health")
  process.kill(service.pid, "SIGTERM")
  // New requests are refused once it has waited a while, and the one under way is still waited for.
  const refused = await until(async () => {
    const response = await service.get("/health")
    return response.status === 503 ? response : undefined
  })
  expect(refused.headers.get("retry-after")).toBe("5")
  process.kill(service.pid, "SIGTERM")
  await hasEnded(service)
}, 120_000)

test("a run that was answered leaves a record, though all is killed at once, and the next start marks it", async () => {
  await using service = await startService()
  const answer = await service.post("/retrain", JSON.stringify({ trigger_reason: "doomed", min_new_samples: 0 }))
  const { run_id: id } = (await answer.json()) as { run_id: string }
  const runs = await processesOf(service, "runProgram.ts")
  for (const pid of [service.pid, ...runs]) process.kill(pid, "SIGKILL")
  await hasEnded(service)
  const record = () => Bun.file(join(service.store, `runs/${id}.json`)).json()
  expect(await record()).toMatchObject({ status: "running", options: { reason: "doomed" } })
  await using next = await startService({ place: service.store })
  await until(async () => (await record()).status !== "running" || undefined)
  expect(await (await next.get(`/runs/${id}`)).json()).toMatchObject({
    status: "interrupted",
    trigger: "doomed",
    outcome: expect.stringContaining("was gone before it came to its end")
  })
}, 120_000)

test("of two services on one store one trains by itself, and the other leaves no failed run", async () => {
  const watching = { watching: true, environment: { MIN_NEW_SAMPLES: "5" } }
  await using one = await startService({ environment: {} })
  await using first = await startService({ ...watching, place: one.store })
  await using second = await startService({ ...watching, place: one.store })
  const list = async ({ get }: Service) => {
    const { runs, running } = (await (await get("/runs")).json()) as {
      runs: Array<{ status: string }>
      running: unknown
    }
    return { statuses: runs.map(({ status }) => status), running }
  }
  const done = await until(async () => {
    const [here, there] = [await list(first), await list(second)]
    const isOver = here.running === null && there.running === null && here.statuses.includes("finished")
    return isOver && !here.statuses.includes("running") ? here.statuses : undefined
  })
  expect(new Set(done)).toEqual(new Set(["finished"]))
}, 120_000)
