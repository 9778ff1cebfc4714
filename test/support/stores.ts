import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3"
import { Effect, Option, Redacted } from "effect"
import { startS3Server } from "../../bench/s3/server.ts"
import { Settings } from "../../src/config/settings.ts"
import { folderStore } from "../../src/store/folder.ts"
import { openStore } from "../../src/store/openStore.ts"
import { s3Store } from "../../src/store/s3.ts"
import type { S3Settings } from "../../src/store/s3-connection.ts"

/** A folder that lasts as long as the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

/** The in-process S3 server, as long as the scope. */
export const s3Server = (options?: Parameters<typeof startS3Server>[0]) =>
  Effect.acquireRelease(
    Effect.sync(() => startS3Server(options)),
    (server) => Effect.sync(() => server[Symbol.dispose]())
  )

/** Settings that reach `endpoint` with some credentials. */
export const settingsFor = (endpoint: string): S3Settings => ({
  endpoint: Option.some(endpoint),
  region: Option.some("us-east-1"),
  credentials: Option.some({
    accessKeyId: "test",
    secretAccessKey: Redacted.make("test-secret"),
    sessionToken: Option.none()
  }),
  caBundle: Option.none(),
  storePatience: 60,
  allowUnconditionalWrites: process.env.ALLOW_UNCONDITIONAL_WRITES === "1"
})

/** Short enough that tests of failures take no time: what fails is asked again twice. */
export const impatient = { silence: 300, total: 0, pause: 1 }

/** An S3 server that others wrote. */
export const otherServer = process.env.TEST_S3_ENDPOINT
/** For the names of tests that need one. */
export const needsServer = otherServer === undefined ? " (skipped: set TEST_S3_ENDPOINT to an S3 server)" : ""

/** How the AWS SDK's own clients reach it. */
export const clientOf = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test-secret" }
})

/** A store in a new bucket there, and the bucket's name. */
export const otherS3Store = Effect.fnUntraced(function* (endpoint: string) {
  const client = new S3Client({ ...clientOf(endpoint), forcePathStyle: true })
  const bucket = `contract-${crypto.randomUUID()}`
  yield* Effect.promise(() => client.send(new CreateBucketCommand({ Bucket: bucket })))
  return { bucket, client, store: s3Store(settingsFor(endpoint), bucket) }
})

/** The store of this location: a bucket of that server, or a folder. */
export const storeAt = (location: string) =>
  location.startsWith("s3://")
    ? s3Store(settingsFor(otherServer ?? ""), location.slice("s3://".length))
    : folderStore(location)

/** An empty store that `--store` opens, in a temporary folder. */
const opened = (address: (folder: string) => string) =>
  temporaryFolder.pipe(
    Effect.flatMap((folder) => openStore(Option.some(address(folder)), { create: true })),
    Effect.flatMap(Effect.fromOption),
    Effect.provide(Settings.layer),
    Effect.orDie
  )

/** Every kind of store, empty, that the contract holds for. */
export const kindsOfStore = [
  { kind: "a folder", skip: false, empty: opened((folder) => folder) },
  {
    kind: "the in-process S3 server, three keys a page",
    skip: false,
    empty: s3Server({ pageSize: 3 }).pipe(Effect.map(({ endpoint }) => s3Store(settingsFor(endpoint), "recordings")))
  },
  {
    kind: "a prefix of a bucket",
    skip: false,
    empty: s3Server().pipe(
      Effect.tap(({ bucket }) =>
        Effect.sync(() => bucket.set("beside", { bytes: new Uint8Array(1), etag: '"beside"' }))
      ),
      Effect.map(({ endpoint }) => s3Store(settingsFor(endpoint), "recordings", "field/2024/"))
    )
  },
  {
    kind: "the S3 server at TEST_S3_ENDPOINT (skipped where that is not set)",
    skip: otherServer === undefined,
    empty: Effect.map(otherS3Store(otherServer ?? ""), ({ store }) => store)
  }
] as const
