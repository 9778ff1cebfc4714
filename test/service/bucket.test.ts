import { expect, test } from "bun:test"
import { startS3Server } from "../../bench/s3/server.ts"
import { smallCorpus, sound } from "../support/runWorld.ts"
import { form, startService, train } from "../support/serviceWorld.ts"

test("a bucket serves as a folder does: upload, train, predict, listen", async () => {
  using server = startS3Server()
  for (const [key, bytes] of smallCorpus()) {
    server.bucket.set(key, {
      bytes: Uint8Array.from(bytes),
      etag: `"${new Bun.CryptoHasher("md5").update(bytes).digest("hex")}"`
    })
  }
  await using service = await startService({
    bucket: "s3://recordings",
    environment: {
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test-secret",
      AWS_REGION: "us-east-1"
    }
  })
  const bark = sound("dog_bark", 950)
  const upload = async () =>
    (await service.post("/upload", form(bark, "bark.wav", { class_name: "dog_bark" }))).json() as Promise<
      Record<string, unknown>
    >
  const stored = await upload()
  expect(stored).toMatchObject({ success: true, s3_uploaded: true })
  expect(server.bucket.get(stored.file_path as string)?.bytes).toEqual(Uint8Array.from(bark))
  expect(await upload()).toMatchObject({ file_path: stored.file_path })
  expect(await train(service, "from a bucket")).toMatchObject({ status: "finished", summary: { recordings: 11 } })
  expect((await service.post("/predict", form(bark, "bark.wav"))).status).toBe(200)
  const heard = await service.get(
    `/clips/audio?key=${encodeURIComponent(stored.file_path as string)}&variant=original`,
    {
      headers: { range: "bytes=0-3" }
    }
  )
  expect([heard.status, await heard.text()]).toEqual([206, "RIFF"])
}, 120_000)
