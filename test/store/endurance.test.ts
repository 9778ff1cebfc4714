import { expect, test } from "bun:test"
import { Effect, Stream } from "effect"
import { startS3Server } from "../../bench/s3/server.ts"
import { s3Store } from "../../src/store/s3.ts"
import { settingsFor } from "../support/stores.ts"

const slow = process.env.TEST_SLOW === undefined

// The AWS SDK's requests hung for ever after some 7,500 of them in earlier versions of Bun (oven-sh/bun issue 27557).
test.skipIf(slow)(
  "20,000 reads, 50 at a time, all end (skipped without TEST_SLOW: takes a quarter of a minute)",
  async () => {
    using server = startS3Server()
    const bytes = new Uint8Array(10_000).fill(7)
    server.bucket.set("k", { bytes, etag: '"k"' })
    const store = s3Store(settingsFor(server.endpoint), "recordings")
    const total = await Effect.runPromise(
      Stream.range(1, 20_000).pipe(
        Stream.mapEffect(() => store.get("k"), { concurrency: 50, unordered: true }),
        Stream.runFold(
          () => 0,
          (sum, { bytes }) => sum + bytes.length
        )
      )
    )
    expect(total).toBe(20_000 * bytes.length)
    expect(server.requests).toHaveLength(20_000)
  },
  300_000
)
