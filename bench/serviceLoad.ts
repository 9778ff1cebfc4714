import { readFile } from "node:fs/promises"
import { dogBark } from "../src/runs/demo/sounds.ts"
import { seededRandom } from "../src/sound/random.ts"
import { encodeWav } from "../src/sound/wav.ts"

// Measures a running service from a process of its own:
//   RATE_LIMIT=1000000 bun run serve --store DIR & bun bench/serviceLoad.ts http://127.0.0.1:8000 PID [PREDICTIONS] [UPLOADS]

const [url, pid, predictions = "1000", uploads = "200"] = process.argv.slice(2)
if (url === undefined || pid === undefined) throw new Error("Usage: serviceLoad.ts URL PID [PREDICTIONS] [UPLOADS]")

/** Sends `count` requests, so many at once, and prints how long they took. */
const measure = async (what: string, count: number, atOnce: number, send: (at: number) => Promise<Response>) => {
  const times: Array<number> = []
  let failed = 0
  let next = 0
  const began = performance.now()
  const work = async () => {
    while (next < count) {
      const at = next++
      const start = performance.now()
      const response = await send(at).catch(() => undefined)
      await response?.arrayBuffer()
      times.push(performance.now() - start)
      if (response?.status !== 200) failed++
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const seconds = (performance.now() - began) / 1000
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))]!.toFixed(1)
  console.log(
    `${what}, ${atOnce} at once: ${(count / seconds).toFixed(0)} requests/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${failed} failed of ${count}`
  )
}

/** Megabytes that the service and its engine hold now. */
const memory = async () => {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ")
  const sizes = await Promise.all(
    [pid, ...children].map(async (process) => {
      const status = await readFile(`/proc/${process}/status`, "utf8")
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
    })
  )
  return sizes.map((size) => `${size.toFixed(0)} MB`).join(" + ")
}

const form = (bytes: Uint8Array, name: string, fields: Record<string, string> = {}): FormData => {
  const data = new FormData()
  data.append("file", new Blob([bytes as Uint8Array<ArrayBuffer>]), name)
  for (const [field, value] of Object.entries(fields)) data.append(field, value)
  return data
}

const clip = encodeWav({
  samples: Float32Array.from({ length: 32_000 }, (_, i) => 0.3 * Math.sin(i * 0.05) * Math.sin(i * 0.0007)),
  sampleRate: 16_000
}).bytes
const predict = () => fetch(`${url}/predict`, { method: "POST", body: form(clip, "clip.wav") })

await measure("/predict, warming up", 20, 1, predict)
for (const atOnce of [1, 8, 32]) await measure("/predict of 2 s", 200, atOnce, predict)

const started = await fetch(`${url}/retrain`, { method: "POST", body: JSON.stringify({ min_new_samples: 0 }) })
console.log("While a run is training:", ((await started.json()) as { status: string }).status)
for (const path of ["/health", "/status"]) await measure(path, 3000, 8, () => fetch(url + path))
await measure("/predict of 2 s", 40, 1, predict)
const isTraining = async () =>
  ((await (await fetch(`${url}/runs?limit=1`)).json()) as { running: string | null }).running !== null
console.log((await isTraining()) ? "It was training to the end of this." : "It ended before this did.")
while (await isTraining()) await Bun.sleep(500)
for (const path of ["/health", "/status"]) await measure(`${path}, idle`, 5000, 8, () => fetch(url + path))

console.log("Memory (service + engine):", await memory())
for (let part = 0; part < 4; part++) {
  await measure("/predict of 2 s", Number(predictions) / 4, 8, predict)
  console.log("Memory (service + engine):", await memory())
}
const upload = (at: number) =>
  fetch(`${url}/upload`, {
    method: "POST",
    body: form(
      encodeWav({ samples: dogBark(seededRandom(100_000 + at), 8000), sampleRate: 16_000 }).bytes,
      "bark.wav",
      { class_name: "dog_bark" }
    )
  })
await measure("/upload of 0.5 s", Number(uploads), 8, upload)
console.log("Memory (service + engine):", await memory())
