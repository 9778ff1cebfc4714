import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { existsSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { chromium } from "playwright-core"
import { createDatabase, needsDatabase, until, withoutDatabase } from "../support/clusterWorld.ts"
import { resultOf, runProgram } from "../support/program.ts"
import { readEvents, type Service, startService, train } from "../support/serviceWorld.ts"

setDefaultTimeout(240_000)

const CHROMIUM = "/usr/bin/chromium"

describe.skipIf(withoutDatabase)(`with DATABASE_URL${needsDatabase}`, () => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let service: Service
  let worker: Bun.Subprocess<"ignore", "pipe", "inherit">
  let environment: Record<string, string>
  beforeAll(async () => {
    database = await createDatabase()
    service = await startService({ environment: { DATABASE_URL: database.url } })
    environment = { DATABASE_URL: database.url, YAMNET_MODEL: join(service.store, "../yamnet"), ENGINE: "native" }
    worker = Bun.spawn(["bun", "pipelines/worker.ts", "--store", service.store, "--port", "0"], {
      cwd: join(import.meta.dir, "../.."),
      env: { PATH: process.env.PATH, HOME: process.env.HOME, WORKERS: "1", ...environment },
      stdio: ["ignore", "pipe", "inherit"]
    })
  })
  afterAll(async () => {
    worker?.kill("SIGKILL")
    await service?.[Symbol.asyncDispose]()
    await database?.[Symbol.asyncDispose]()
  })

  const workers = async () =>
    ((await (await service.get("/workers")).json()) as { workers: ReadonlyArray<Record<string, unknown>> }).workers

  test("the service's trainings are done by the workers, whose state it shows", async () => {
    // Asked for before a worker is there, it waits for one.
    const run = await train(service, "for the workers")
    expect(run).toMatchObject({ status: "finished", outcome: "Promoted: there was no model before." })
    const events = await readEvents(await service.get(`/runs/${run.id}/events`, { headers: { "last-event-id": "0" } }))
    expect(events.map(({ event }) => event)).toContain("epoch")
    const streamed = events.find(({ data }) => data.stage === "stream")
    expect(streamed?.data).toMatchObject({ done: 10, total: 10 })

    const [only, ...others] = await workers()
    expect(others).toEqual([])
    expect(only).toMatchObject({ status: "ready", engine: "native", store: service.store, capacity: 2, done: 10 })
    expect(await (await fetch(String(only!.health))).json()).toMatchObject({ status: "ready", engine_deaths: 0 })

    // As load balancers ask.
    const { port } = new URL(String(only!.health))
    const answer = await text(connect(Number(port), "127.0.0.1").end("GET /health HTTP/1.0\r\n\r\n"))
    expect(answer.split("\r\n")[0]).toBe("HTTP/1.1 200 OK")
  })

  test("`bun run retrain` gives its run to the workers, and `--no-cluster` does not", async () => {
    const args = ["--store", service.store, "--epochs", "2", "--json"]
    const clustered = await runProgram("retrain", args, environment)
    expect(clustered).toMatchObject({ code: 0 })
    expect(resultOf(clustered)).toMatchObject({ recordings: 10, embedded: 0, reused: 10 })
    const [{ count }] = await database.sql`
      SELECT COUNT(*)::INT AS count FROM cluster_messages WHERE entity_type = 'Workflow/Retrain/native' AND tag = 'run'`
    expect(count).toBe(2)
    const dry = await runProgram("retrain", [...args, "--dry-run"], environment)
    expect(dry.stdout).toContain("Would embed 0 of 10 recordings")
    const alone = await runProgram("retrain", [...args, "--no-cluster"], environment)
    expect(resultOf(alone)).toMatchObject({ recordings: 10, reused: 10 })
  })

  test.skipIf(!existsSync(CHROMIUM))(
    "the dashboard shows the workers (skipped without /usr/bin/chromium)",
    async () => {
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] })
      const page = await browser.newPage()
      const complaints: Array<string> = []
      page.on("pageerror", (error) => complaints.push(error.message))
      await page.goto(`${service.url}/dashboard#workers`)
      const table = page.getByRole("region", { name: "Workers" })
      await table.getByText("ready").waitFor()
      expect(await table.textContent()).toContain(String((await workers())[0]!.address))
      expect(complaints).toEqual([])
      await browser.close()
    }
  )

  test("a worker that is told to stop leaves at once where it has nothing to do", async () => {
    worker.kill("SIGTERM")
    await worker.exited
    await until("the worker to be gone", async () => ((await workers()).length === 0 ? true : undefined))
  })
})

test("without DATABASE_URL the service has no workers, and the commands say what is missing", async () => {
  await using service = await startService()
  expect(await (await service.get("/workers")).json()).toEqual({ clustered: false, workers: [] })
  for (const [program, args] of [
    ["worker", ["--store", service.store]],
    ["retrain", ["--store", service.store, "--cluster"]]
  ] as const) {
    const { code, stderr } = await runProgram(program, args)
    expect(code).toBe(1)
    expect(stderr).toContain("DATABASE_URL")
    const unreachable = await runProgram(program, args, {
      DATABASE_URL: "postgres://someone:secret@127.0.0.1:1/nowhere",
      YAMNET_MODEL: join(service.store, "../yamnet"),
      ENGINE: "native"
    })
    expect(unreachable.code).toBe(1)
    expect(unreachable.stderr).toContain("The database nowhere at 127.0.0.1:1 cannot be used")
    expect(unreachable.stderr).not.toContain("secret")
  }
})
