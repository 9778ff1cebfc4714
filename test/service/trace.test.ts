import { expect, test } from "bun:test"
import { startService, until } from "../support/serviceWorld.ts"

test("requests are traced where a collector is named", async () => {
  const received: Array<string> = []
  using collector = Bun.serve({
    port: 0,
    fetch: async (request) => {
      received.push(`${new URL(request.url).pathname} ${await request.text()}`)
      return Response.json({})
    }
  })
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://localhost:${collector.port}`,
    OTEL_BSP_SCHEDULE_DELAY: "100"
  }
  await using service = await startService({ environment })
  expect((await service.get("/classes")).status).toBe(200)
  const traces = await until(async () => received.find((text) => text.includes("GET /classes")))
  expect(traces).toStartWith("/v1/traces ")
  expect(traces).toContain('"service.name"')
}, 120_000)
