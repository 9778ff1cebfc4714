import { startS3Server } from "./s3/server.ts"

declare const self: Worker

// An S3 server in a thread of its own, so that the pipeline's does not answer itself.

/** What the server is to hold: keys, and the files that they come from. */
export type Contents = ReadonlyArray<readonly [key: string, file: string]>

self.onmessage = async ({ data }: MessageEvent<Contents>) => {
  const { endpoint, bucket } = startS3Server()
  for (const [file, keys] of Map.groupBy(data, ([, file]) => file)) {
    const bytes = await Bun.file(file).bytes()
    const etag = `"${new Bun.CryptoHasher("md5").update(bytes).digest("hex")}"`
    for (const [key] of keys) bucket.set(key, { bytes, etag })
  }
  self.postMessage(endpoint)
}
