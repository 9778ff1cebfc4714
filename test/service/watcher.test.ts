import { expect, test } from "bun:test"
import { cp, readdir, rename } from "node:fs/promises"
import { startS3Server } from "../../bench/s3/server.ts"
import { folderStore } from "../../src/store/folder.ts"
import { recordingKey, variantKey } from "../../src/store/keys.ts"
import { fill, keysIn, smallCorpus, sound } from "../support/runWorld.ts"
import { form, processesOf, type Service, startService, train, until } from "../support/serviceWorld.ts"

const bark = (seed: number) => form(sound("dog_bark", seed), `bark ${seed}.wav`, { class_name: "dog_bark" })

const upload = async (service: Service, seed: number) =>
  ((await (await service.post("/upload", bark(seed))).json()) as { file_path: string }).file_path

test("in a folder, recordings are embedded as they land, whoever put them there, and whoever dies", async () => {
  await using service = await startService({ watching: true })
  const store = folderStore(service.store)
  /** An audit copy is written before the embedding, the manifest with it. */
  const embedded = async () => {
    const names = await keysIn(store, "augmented_audio/manifest/")
    const lines = await Promise.all(names.map((name) => Bun.file(`${service.store}/${name}`).text()))
    return new Set(lines.flatMap((text) => [...text.matchAll(/"source":"([^"]+)"/g)].map(([, key]) => key!)))
  }
  const arrives = (key: string) => until(async () => (await embedded()).has(key) || undefined)
  await until(async () => (await embedded()).size === smallCorpus().size || undefined)
  await arrives(await upload(service, 901))
  const direct = recordingKey("gun_shot", "straight into the folder.wav")
  await fill(store, [[direct, sound("gun_shot", 902)]])
  await arrives(direct)

  const [watcher] = await processesOf(service, "watcherProgram.ts")
  process.kill(watcher!, "SIGKILL")
  await arrives(await upload(service, 903))
  expect(await processesOf(service, "watcherProgram.ts")).not.toContain(watcher!)
  expect(await train(service, "all is there")).toMatchObject({
    status: "finished",
    summary: { embedded: 0, reused: smallCorpus().size + 3 }
  })
}, 120_000)

test("a store that was copied, its recordings renamed, begins no training", async () => {
  await using service = await startService()
  expect(await train(service, "the first")).toMatchObject({ status: "finished" })
  const copy = `${service.store} copied`
  await cp(service.store, copy, { recursive: true })
  const folder = `${copy}/extracted_audio/dog_bark`
  for (const name of await readdir(folder)) await rename(`${folder}/${name}`, `${folder}/again ${name}`)

  await using other = await startService({ watching: true, place: copy, environment: { MIN_NEW_SAMPLES: "3" } })
  const asked = await other.post("/retrain", JSON.stringify({ trigger_reason: "enough", min_new_samples: 3 }))
  expect(await asked.json()).toMatchObject({ status: "not_needed" })
  // By now its process has read them.
  await until(async () => (await keysIn(folderStore(copy), "embeddings/seen/")).length > 0 || undefined)
  expect(((await (await other.get("/runs")).json()) as { runs: Array<unknown> }).runs).toHaveLength(1)
  expect(await (await other.get("/classes")).json()).toMatchObject({ new_since_training: 0 })
}, 120_000)

test("what is uploaded to a bucket is embedded without a look at the bucket", async () => {
  using server = startS3Server()
  for (const [key, bytes] of smallCorpus()) {
    const etag = `"${new Bun.CryptoHasher("md5").update(bytes).digest("hex")}"`
    server.bucket.set(key, { bytes: Uint8Array.from(bytes), etag })
  }
  await using service = await startService({
    bucket: "s3://recordings",
    watching: true,
    environment: {
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test-secret",
      AWS_REGION: "us-east-1",
      WATCH_INTERVAL: "3600"
    }
  })
  const copy = (key: string) => server.bucket.has(variantKey(key, "original")) || undefined
  for (const key of smallCorpus().keys()) await until(async () => copy(key))
  for (const seed of [911, 912]) {
    const key = await upload(service, seed)
    await until(async () => copy(key))
  }
}, 120_000)
