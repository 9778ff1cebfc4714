import { S3Client } from "@aws-sdk/client-s3"
import { FetchHttpHandler } from "@smithy/fetch-http-handler"
import { Effect, Option, Semaphore } from "effect"
import type { Settings } from "../config/settings.ts"
import { clientCredentials } from "./credentials.ts"
import { askForChecksums, refusePages } from "./s3-arrival.ts"
import { explain, Stalled } from "./s3-error.ts"
import { makeRetries, type Patience } from "./s3-patience.ts"
import { proxyFor } from "./s3-proxy.ts"
import type { StoreError } from "./store.ts"
import { trustingFetch } from "./trustingFetch.ts"

/** The settings that say how to reach a bucket. */
export type S3Settings = Pick<
  Settings["Service"],
  "endpoint" | "region" | "credentials" | "caBundle" | "storePatience" | "allowUnconditionalWrites"
>

/** Bun sends no more requests at once; waiting here instead keeps the wait out of the silence. */
const MOST_REQUESTS = 256

/** Sends one request; `heard` is to be called for whatever comes of its answer. */
export type Send<A> = (signal: AbortSignal, heard: () => void) => Promise<A>

/** A bucket that can be asked: keys are relative to a prefix in it. */
export interface Connection {
  readonly client: S3Client
  /** The server, for people. */
  readonly endpoint: string
  /** Where an object lies, for people. */
  readonly address: (key: string) => string
  /** The same for a request. */
  readonly target: (key: string) => { readonly Bucket: string; readonly Key: string }
  /** Asks, and again where that may help. `grace` is how many milliseconds longer than the patience silence may last. */
  readonly request: <A>(key: string, send: Send<A>, grace?: number) => Effect.Effect<A, StoreError>
}

/** Makes the connection; nothing is sent before the first request. */
export const connect = (settings: S3Settings, bucket: string, prefix: string, patience: Patience): Connection => {
  const requests = Semaphore.makeUnsafe(MOST_REQUESTS)
  const endpoint = Option.getOrElse(settings.endpoint, () => "Amazon S3")
  const address = (key: string) => `s3://${bucket}/${prefix}${key}`
  const proxy = proxyFor(
    Option.getOrElse(settings.endpoint, () => ""),
    process.env
  )
  const { proven, retrying } = makeRetries(patience)
  return {
    client: refusePages(askForChecksums(makeClient(settings))),
    endpoint,
    address,
    target: (key) => ({ Bucket: bucket, Key: prefix + key }),
    request: (key, send, grace = 0) =>
      Effect.tryPromise({
        try: (interrupted) => unlessSilent(patience.silence + grace, interrupted, send),
        catch: (thrown) => explain(thrown, { endpoint, bucket, key, address: address(key), proven: proven(), proxy })
      }).pipe(
        requests.withPermit,
        retrying,
        Effect.mapError(({ error }) => error)
      )
  }
}

const makeClient = ({ endpoint, region, credentials, caBundle }: S3Settings) =>
  new S3Client({
    ...Option.match(endpoint, { onNone: () => ({}), onSome: (endpoint) => ({ endpoint, forcePathStyle: true }) }),
    ...Option.match(region, {
      onSome: (region) => ({ region }),
      onNone: () => (Option.isSome(endpoint) ? { region: "us-east-1" } : {})
    }),
    ...clientCredentials(credentials),
    // Retries here also cover bodies that break off, which the SDK's do not.
    maxAttempts: 1,
    followRegionRedirects: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Bun's own fetch takes less processor time than node:http (docs/decisions/s3-on-bun.md).
    requestHandler: new FetchHttpHandler({
      keepAlive: true,
      requestInit: () => ({ redirect: "manual" }),
      // An object's size, ETag and checksums are of its bytes as they lie, whatever its Content-Encoding says of them.
      customFetch: trustingFetch(caBundle, { decompress: false })
    })
  })

/** Runs `send` until `silence` milliseconds pass without a call of `heard`. */
const unlessSilent = async <A>(silence: number, interrupted: AbortSignal, send: Send<A>): Promise<A> => {
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
