import { afterAll, beforeAll, expect, test } from "bun:test"
import { readdir, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { type S3Server, s3Error, startS3Server } from "../../bench/s3/server.ts"
import { folderOf } from "../support/program.ts"
import { smallCorpus, sound } from "../support/runWorld.ts"
import { form, type Service, type ServiceOptions, startService, train, until } from "../support/serviceWorld.ts"

// One bucket, trained once, that goes away in every way that buckets do.

let server: S3Server
let cache: string
let removeCache: () => Promise<void>
const options = (): ServiceOptions => ({
  bucket: "s3://recordings",
  environment: {
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test-secret",
    AWS_REGION: "us-east-1",
    MODEL_CACHE: cache
  }
})

beforeAll(async () => {
  server = startS3Server()
  ;({ root: cache, [Symbol.asyncDispose]: removeCache } = await folderOf({}))
  for (const [key, bytes] of smallCorpus()) {
    const etag = `"${new Bun.CryptoHasher("md5").update(bytes).digest("hex")}"`
    server.bucket.set(key, { bytes: Uint8Array.from(bytes), etag })
  }
  await using service = await startService(options())
  await train(service, "first")
  await until(async () => (await copied()) || undefined)
}, 120_000)
afterAll(async () => {
  server[Symbol.dispose]()
  await removeCache()
})

const copied = async () =>
  (await readdir(cache, { recursive: true }).catch(() => [])).some((file) => file.endsWith("current.json"))

const bark = sound("dog_bark", 9)
const predict = (service: Service) => service.post("/predict", form(bark, "bark.wav"))
const health = async (service: Service) => (await service.get("/health")).json()
const silence = () => new Response(new ReadableStream({}))
const refusal = () => s3Error(503, "SlowDown")

for (const [what, fault] of [
  ["refuses", refusal],
  ["hangs", silence]
] as const) {
  test(`a bucket that ${what}: the model in memory predicts, /health tells, uploads are told when to come again`, async () => {
    await using service = await startService(options())
    expect((await predict(service)).status).toBe(200)
    expect(await health(service)).toMatchObject({ model_loaded: true, away: {} })
    server.fault = fault
    try {
      const answers = await Promise.all(Array.from({ length: 8 }, () => predict(service)))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      const refused = await service.post("/upload", form(sound("dog_bark", 77), "new.wav", { class_name: "dog_bark" }))
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "10"])
      expect(await health(service)).toMatchObject({
        model_loaded: true,
        away: { store: expect.stringMatching(/^\d{4}-.*\+00:00$/) }
      })
      expect((await predict(service)).status).toBe(200)
    } finally {
      server.fault = () => undefined
    }
    // Each look at the store tells whether it is back.
    await until(async () => {
      await predict(service)
      return (await health(service)).away.store === undefined || undefined
    })
  }, 90_000)

  test(`a service that starts while its bucket ${what} predicts from the copy that it kept`, async () => {
    server.fault = fault
    try {
      await using service = await startService(options())
      expect((await predict(service)).status).toBe(200)
      expect(await health(service)).toMatchObject({
        status: "healthy",
        model_loaded: true,
        away: { store: expect.anything() }
      })
      server.fault = () => undefined
      const promoted = await train(service, "back again")
      expect(promoted.status).toBe("finished")
      expect((await predict(service)).status).toBe(200)
    } finally {
      server.fault = () => undefined
    }
  }, 90_000)
}

test("a copy that is damaged is not used", async () => {
  // Of the version before it there may be one, too.
  const models = (await readdir(cache, { recursive: true })).filter((file) => file.endsWith("ecosight.onnx"))
  expect(models).not.toEqual([])
  for (const model of models) {
    const bytes = await Bun.file(join(cache, model)).bytes()
    bytes[1000]! ^= 1
    await Bun.write(join(cache, model), bytes)
  }
  server.fault = refusal
  try {
    await using service = await startService(options())
    expect((await predict(service)).status).toBe(503)
    expect(await health(service)).toMatchObject({ model_loaded: false })
  } finally {
    server.fault = () => undefined
  }
  for (const model of models) await rm(dirname(join(cache, model)), { recursive: true })
}, 120_000)

test("a wrong bucket or key still shows at the start", async () => {
  const { environment = {} } = options()
  const wrong = { bucket: "s3://no-such-bucket", environment }
  expect(startService(wrong).then((service) => service[Symbol.asyncDispose]())).rejects.toThrow("no-such-bucket")
}, 120_000)

test("the service starts without its database, and says so", async () => {
  const database = { DATABASE_URL: "postgres://nobody:secret@127.0.0.1:9/nothing" }
  await using service = await startService({ environment: database })
  const away = await until(async () => (await health(service)).away.database)
  expect(away).toBeString()
  expect((await service.get("/classes")).status).toBe(200)
  expect((await service.get("/workers")).status).toBe(503)
}, 120_000)
