import { afterAll, beforeAll, expect, test } from "bun:test"
import { sound } from "../support/runWorld.ts"
import { form, type Service, startService, train } from "../support/serviceWorld.ts"

let service: Service
beforeAll(async () => {
  service = await startService({ environment: { MAX_RECORDING_MB: "51", MAX_UPLOAD_MB: "50", RATE_LIMIT: "100000" } })
  await train(service, "first")
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

const predict = (seed = 1) => service.post("/predict", form(sound("dog_bark", seed), "bark.wav"))

/** A connection that announces 50 MB and sends what it is told to. */
const slow = async (sends: string) => {
  const { hostname, port } = new URL(service.url)
  let answer = ""
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_, chunk) => {
        answer += chunk.toString()
      },
      error: () => {}
    }
  })
  socket.write(
    "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n" +
      `Content-Length: 50000000\r\n\r\n${sends}`
  )
  return { socket, answer: () => answer }
}

test("connections that announce much and send nothing take nothing from the others", async () => {
  const held = await Promise.all(
    Array.from({ length: 40 }, () =>
      slow('--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n')
    )
  )
  const answers = await Promise.all([predict(), predict(), service.get("/health"), service.get("/classes")])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  for (const { socket } of held) socket.end()
})

test("more predictions at once than can wait are refused with a time to come again, and the others are made", async () => {
  const asked = Array.from({ length: 1000 }, (_, at) => predict(at % 7))
  const health = await service.get("/health")
  expect(health.status).toBe(200)
  const answers = await Promise.all(asked)
  const refused = answers.filter(({ status }) => status === 503)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
  expect(new Set(refused.map(({ headers }) => headers.get("retry-after")))).toEqual(new Set(["1"]))
  expect((await predict()).status).toBe(200)
}, 120_000)
