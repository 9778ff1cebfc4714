import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client
} from "@aws-sdk/client-s3"
import { FetchHttpHandler } from "@smithy/fetch-http-handler"
import { Effect, Option, Schedule, Semaphore, Stream } from "effect"
import type { Settings } from "../config.ts"
import { clientCredentials } from "./credentials.ts"
import { explain, type Failure, Stalled } from "./s3-error.ts"
import { type ObjectInfo, type PutCondition, refuseKey, Store, StoreError } from "./store.ts"

/** The settings that say how to reach a bucket. */
export type S3Settings = Pick<Settings["Service"], "endpoint" | "region" | "credentials">

/** How patient the client is. */
export interface Patience {
  /** Milliseconds without an answer, or without its next bytes, after which a request is given up. */
  readonly silence: number
  /** Times a failed request is sent again. */
  readonly retries: number
  /** Milliseconds before the first retry; doubled each time, spread by a fifth either way. */
  readonly pause: number
}

const PATIENCE: Patience = { silence: 30_000, retries: 5, pause: 250 }

/** Bytes per millisecond an upload is granted beyond the silence: its progress cannot be seen. */
const SLOWEST_UPLOAD = 50

/** Bun sends no more requests at once; waiting here instead keeps the wait out of the silence. */
const MOST_REQUESTS = 256

/**
 * A bucket as a store; keys are relative to `prefix` (empty, or ending in a slash).
 *
 * Credentials come from the settings, else from the AWS SDK's own chain. Any S3 will do: with a custom endpoint buckets
 * are addressed by path, and no checksum is asked for that only Amazon computes. What is read is checked against its
 * length, what is written by its MD5.
 */
export const s3Store = (
  settings: S3Settings,
  bucket: string,
  prefix = "",
  patience: Patience = PATIENCE
): Store["Service"] => {
  const client = makeClient(settings)
  const requests = Semaphore.makeUnsafe(MOST_REQUESTS)
  const endpoint = Option.getOrElse(settings.endpoint, () => "Amazon S3")
  const address = (key: string) => `s3://${bucket}/${prefix}${key}`
  const target = (key: string) => ({ Bucket: bucket, Key: prefix + key })

  const attempt = <A>(key: string, silence: number, send: (signal: AbortSignal, heard: () => void) => Promise<A>) =>
    Effect.tryPromise({
      try: (interrupted) => unlessSilent(silence, interrupted, send),
      catch: (thrown) => explain(thrown, { endpoint, bucket, key, address: address(key) })
    }).pipe(requests.withPermit)

  const schedule = Schedule.exponential(patience.pause).pipe(
    Schedule.jittered,
    Schedule.upTo({ times: patience.retries }),
    Schedule.setInputType<Failure>(),
    Schedule.while(({ input }) => input.retryable)
  )

  const request = <A>(key: string, send: (signal: AbortSignal, heard: () => void) => Promise<A>) =>
    attempt(key, patience.silence, send).pipe(
      Effect.retry(schedule),
      Effect.mapError(({ error }) => error)
    )

  const list = (keyPrefix: string, after?: string) =>
    Stream.paginate(undefined as string | undefined, (token) =>
      request(keyPrefix, (abortSignal) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix + keyPrefix,
            // Without this, a key with a control character makes the answer unreadable XML.
            EncodingType: "url",
            ContinuationToken: token,
            ...(after === undefined ? {} : { StartAfter: prefix + after })
          }),
          { abortSignal }
        )
      ).pipe(
        Effect.flatMap((page) => {
          const decode = page.EncodingType === "url" ? urlDecode : (key: string) => key
          const objects = (page.Contents ?? []).map(({ Key = "", ETag = "", Size = 0 }): ObjectInfo => {
            return { key: decode(Key).slice(prefix.length), etag: unquote(ETag), size: Size }
          })
          const next = page.NextContinuationToken
          // A web page, say of a server's console, reads as a list without anything in it.
          if (page.IsTruncated === undefined || (page.IsTruncated && (next === undefined || next === token))) {
            return Effect.fail(
              new StoreError({
                reason: "invalid",
                key: keyPrefix,
                message: `${endpoint} does not answer as S3 does: check AWS_ENDPOINT_URL_S3.`
              })
            )
          }
          return Effect.succeed([objects, page.IsTruncated ? Option.some(next) : Option.none()] as const)
        })
      )
    )

  const get = Effect.fn("Store.get")(function* (key: string) {
    yield* refuseKey(key)
    return yield* request(key, async (abortSignal, heard) => {
      const { Body, ETag = "" } = await client.send(new GetObjectCommand(target(key)), { abortSignal })
      heard()
      return { bytes: await readWhole(Body?.transformToWebStream(), heard), etag: unquote(ETag) }
    })
  })

  const getRange = Effect.fn("Store.getRange")(function* (key: string, from: number, to: number) {
    yield* refuseKey(key)
    return yield* request(key, async (abortSignal, heard) => {
      const command = new GetObjectCommand({ ...target(key), Range: `bytes=${from}-${to - 1}` })
      const { Body, ContentRange } = await client.send(command, { abortSignal })
      heard()
      const bytes = await readWhole(Body?.transformToWebStream(), heard)
      // A server may give the whole object instead.
      return ContentRange === undefined ? bytes.slice(from, to) : bytes
    })
  })

  const find = Effect.fn("Store.find")(function* (key: string) {
    yield* refuseKey(key)
    return yield* request(key, (abortSignal) => client.send(new HeadObjectCommand(target(key)), { abortSignal })).pipe(
      Effect.map(({ ETag = "", ContentLength = 0 }) =>
        Option.some<ObjectInfo>({ key, etag: unquote(ETag), size: ContentLength })
      ),
      Effect.catchIf(
        ({ reason }) => reason === "missing",
        () => Effect.succeedNone
      )
    )
  })

  const put = Effect.fn("Store.put")(function* (key: string, bytes: Uint8Array, condition?: PutCondition) {
    yield* refuseKey(key)
    const md5 = new Bun.CryptoHasher("md5").update(bytes).digest()
    const command = new PutObjectCommand({
      ...target(key),
      Body: bytes,
      ContentLength: bytes.length,
      ContentMD5: md5.toString("base64"),
      ...(condition && "ifMatch" in condition ? { IfMatch: `"${condition.ifMatch}"` } : {}),
      ...(condition && "ifNoneMatch" in condition ? { IfNoneMatch: condition.ifNoneMatch } : {})
    })
    let attempts = 0
    return yield* Effect.suspend(() => {
      attempts++
      return attempt(key, patience.silence + bytes.length / SLOWEST_UPLOAD, (abortSignal) =>
        client.send(command, { abortSignal })
      )
    }).pipe(
      Effect.retry(schedule),
      Effect.map(({ ETag = "" }): ObjectInfo => ({ key, etag: unquote(ETag), size: bytes.length })),
      Effect.mapError(({ error }) =>
        error.reason === "missing" && condition && "ifMatch" in condition
          ? new StoreError({ reason: "conflict", key, message: `Another writer has removed ${address(key)}.` })
          : error
      ),
      // A write whose answer was lost and that is sent again finds what it wrote itself; an ETag need not tell.
      Effect.catchIf(
        ({ reason }) => reason === "conflict" && attempts > 1,
        (conflict) =>
          get(key).pipe(
            Effect.flatMap((found) =>
              Buffer.compare(found.bytes, bytes) === 0
                ? Effect.succeed<ObjectInfo>({ key, etag: found.etag, size: bytes.length })
                : Effect.fail(conflict)
            ),
            Effect.catchIf(
              ({ reason }) => reason === "missing",
              () => Effect.fail(conflict)
            )
          )
      )
    )
  })

  const remove = Effect.fn("Store.remove")(function* (key: string) {
    yield* refuseKey(key)
    yield* request(key, (abortSignal) => client.send(new DeleteObjectCommand(target(key)), { abortSignal }))
  })

  return Store.of({ location: address("").replace(/\/$/, ""), list, get, getRange, find, put, remove })
}

const makeClient = ({ endpoint, region, credentials }: S3Settings) =>
  new S3Client({
    ...Option.match(endpoint, { onNone: () => ({}), onSome: (endpoint) => ({ endpoint, forcePathStyle: true }) }),
    ...Option.match(region, {
      onSome: (region) => ({ region }),
      onNone: () => (Option.isSome(endpoint) ? { region: "us-east-1" } : {})
    }),
    ...clientCredentials(credentials),
    // The retries below also cover bodies that break off, which the SDK's do not.
    maxAttempts: 1,
    followRegionRedirects: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Bun's own fetch takes less processor time than node:http (docs/decisions/s3-on-bun.md).
    requestHandler: new FetchHttpHandler({ keepAlive: true, requestInit: () => ({ redirect: "manual" }) })
  })

/** Runs `send` until `silence` milliseconds pass without a call of `heard`. */
const unlessSilent = async <A>(
  silence: number,
  interrupted: AbortSignal,
  send: (signal: AbortSignal, heard: () => void) => Promise<A>
): Promise<A> => {
  const silent = new AbortController()
  const stalled = new Stalled(`no answer for ${Math.round(silence / 100) / 10} s`)
  const timer = setTimeout(() => silent.abort(stalled), silence)
  try {
    return await send(AbortSignal.any([interrupted, silent.signal]), () => void timer.refresh())
  } catch (thrown) {
    throw silent.signal.aborted ? stalled : thrown
  } finally {
    clearTimeout(timer)
  }
}

// Bun fails the stream if fewer bytes come than were announced.
const readWhole = async (body: ReadableStream | undefined, heard: () => void): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array<ArrayBuffer>> = []
  for await (const chunk of body ?? []) {
    heard()
    chunks.push(chunk)
  }
  // Unlike Buffer.concat, this never returns a piece of a shared buffer, which could not be handed to a Worker.
  return Bun.concatArrayBuffers(chunks, Number.POSITIVE_INFINITY, true)
}

const unquote = (etag: string): string => etag.replace(/^"|"$/g, "")

const urlDecode = (key: string): string => decodeURIComponent(key.replaceAll("+", " "))
