import { afterAll, beforeAll, expect, test } from "bun:test"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { sound } from "../support/runWorld.ts"
import { form, logged, processesOf, type Service, startService, train } from "../support/serviceWorld.ts"

let service: Service
beforeAll(async () => {
  service = await startService({ environment: { MAX_RECORDING_MB: "51", MAX_UPLOAD_MB: "50", RATE_LIMIT: "100000" } })
  await train(service, "first")
}, 120_000)
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

/** The most memory that a process had, in MB. */
const peakOf = async (pid: number) =>
  Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))![1]) / 1000

/** Seconds of noise as a WAV file of about 45 MB. */
const longRecording = (size = 45_000_000) => {
  const bytes = Buffer.alloc(size)
  const head = sound("dog_bark", 1).subarray(0, 44)
  bytes.set(head)
  bytes.writeUInt32LE(bytes.length - 8, 4)
  bytes.writeUInt32LE(bytes.length - 44, 40)
  for (let at = 44; at < 2_000_000; at++) bytes[at] = at * at
  return bytes
}

test("long recordings at once take files, not memory, and leave nothing", async () => {
  await predict()
  // Short ones, as many at once, open what hearing window by window takes, once for all; what is left is of the length.
  const heard = async (bytes: Uint8Array<ArrayBuffer>) => {
    const answers = Array.from({ length: 4 }, () => service.post("/predict", form(bytes, "long.wav")))
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
  }
  await heard(longRecording(4_000_000))
  const pids = [service.pid, ...(await processesOf(service, "predictorProgram"))]
  const peaks = async () => (await Promise.all(pids.map(peakOf))).reduce((sum, peak) => sum + peak, 0)
  const before = await peaks()
  const bytes = longRecording()
  await heard(bytes)
  expect(pids).toEqual([service.pid, ...(await processesOf(service, "predictorProgram"))])
  expect((await peaks()) - before).toBeLessThan(250)
  const sent = form(bytes, "long.wav", { class_name: "dog_bark" })
  const stored = (await (await service.post("/upload", sent)).json()) as { file_path: string }
  expect(Buffer.compare(await readFile(join(service.store, stored.file_path)), bytes)).toBe(0)
  expect(await readdir(join(service.cache, "arriving"))).toEqual([])
}, 120_000)

test("a long recording is refused by name where there is no room for it, and short ones are not", async () => {
  await using full = await startService({ environment: { MODEL_CACHE: "/dev/null" }, place: service.store })
  const refused = await full.post("/predict", form(longRecording(), "long.wav"))
  expect([refused.status, refused.headers.get("retry-after"), await refused.json()]).toEqual([
    503,
    "5",
    { detail: "There is no room to take in a recording of this size at the moment; please try again." }
  ])
  await logged(full, "A recording cannot be kept in /dev/null/arriving")
  expect((await full.post("/predict", form(sound("dog_bark", 1), "bark.wav"))).status).toBe(200)
}, 120_000)
