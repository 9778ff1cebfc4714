import type { OutboundProxy } from "./s3-proxy.ts"
import { StoreError } from "./store.ts"

/**
 * For how long asking again may help: not at all; for some seconds, where it is rather a setting that is wrong; or for as
 * long as the store's patience lasts.
 */
export type Hope = "none" | "brief" | "full"

/** An S3 request that failed, explained. */
export interface Failure {
  readonly error: StoreError
  readonly hope: Hope
  /** Whether the store is there and answered, if only by a refusal. */
  readonly isAnswer: boolean
}

/** What was asked, as far as a message needs it. */
export interface Asked {
  readonly endpoint: string
  readonly bucket: string
  /** The key, or the prefix when listing. */
  readonly key: string
  /** The same as an `s3://` address. */
  readonly address: string
  /** Whether the server has answered before as S3 does, so that its address is right. */
  readonly proven: boolean
  /** The proxy that requests go through, if they do. */
  readonly proxy: OutboundProxy | undefined
}

/** The server fell silent: no answer, or none of its next bytes, within the time allowed. */
export class Stalled extends Error {
  override readonly name = "Stalled"
}

/** What arrived is not what was sent; the message completes "What arrived of ... is damaged: ". */
export class Damaged extends Error {
  override readonly name = "Damaged"
}

/** The answer is one that no S3 server gives. */
export class Foreign extends Error {
  override readonly name = "Foreign"
}

// What the SDK throws. Its own classes do not cover what HTTP proxies, other servers and sockets do.
interface Thrown {
  readonly name: string
  readonly message: string
  readonly code?: unknown
  readonly status?: number
}

const readThrown = (thrown: unknown): Thrown => {
  if (!(thrown instanceof Error)) return { name: "Unknown", message: String(thrown) }
  const metadata = "$metadata" in thrown ? (thrown.$metadata as { readonly httpStatusCode?: number }) : undefined
  return {
    name: thrown.name,
    message: thrown.message.split("\n")[0]!,
    ...("code" in thrown ? { code: thrown.code } : {}),
    ...(metadata?.httpStatusCode === undefined ? {} : { status: metadata.httpStatusCode })
  }
}

/** Turns what the SDK threw into one sentence that says what to do. */
export const explain = (thrown: unknown, asked: Asked): Failure => {
  const { name, message, code, status } = readThrown(thrown)
  const { endpoint, bucket, key, address, proven, proxy } = asked
  const isUnreadable = message.includes("XML parse error")
  // The answer to HEAD has no body, and so no name for what went wrong; that of a proxy may be no XML.
  const said = name.startsWith("Unknown") || isUnreadable ? `HTTP ${status}` : `HTTP ${status}, ${name}: ${message}`
  const retry = (reason: StoreError["reason"], sentence: string, hope: Hope = "full", about = key): Failure => ({
    error: new StoreError({ reason, key: about, message: sentence }),
    hope,
    // A server that is overloaded is as good as away, and what is no S3 server is none.
    isAnswer: name === "Damaged" || (status !== undefined && status < 500 && status !== 407 && !isUnreadable)
  })
  const fail = (reason: StoreError["reason"], sentence: string) => retry(reason, sentence, "none")
  const untilProven = proven ? "full" : "brief"
  /** What is true of the whole store, perhaps for a moment only, and says nothing of the object. */
  const failWhole = (reason: StoreError["reason"], sentence: string, hope: Hope = "none") =>
    retry(reason, sentence, hope, "")

  switch (name) {
    case "NoSuchBucket":
      return failWhole("missing", `There is no bucket "${bucket}" at ${endpoint}.`)
    case "InvalidAccessKeyId":
    // As versitygw calls it, with HTTP 404.
    case "XAdminUserNotFound":
      return failWhole("denied", `${endpoint} does not know this access key: check AWS_ACCESS_KEY_ID.`)
    case "SignatureDoesNotMatch":
      return failWhole("denied", `${endpoint} refuses the secret key: check AWS_SECRET_ACCESS_KEY.`)
    case "ExpiredToken":
    case "ExpiredTokenException":
    case "TokenRefreshRequired":
      return failWhole("denied", "The credentials have expired: renew them.")
    case "InvalidToken":
      return failWhole("denied", `${endpoint} refuses the session token: check AWS_SESSION_TOKEN.`)
    case "RequestTimeTooSkewed":
      // The SDK learns the server's clock from this answer, so the next request is signed with the right time.
      return failWhole("denied", `This machine's clock differs too much from that of ${endpoint}: set it.`, "brief")
    case "CredentialsProviderError":
    case "TokenProviderError":
      return failWhole(
        "denied",
        `No credentials for s3://${bucket}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine an ` +
          `AWS profile or role (${message}).`,
        // Those of a role are fetched anew now and then.
        proven ? "full" : "none"
      )
    case "PermanentRedirect":
    case "TemporaryRedirect":
    case "AuthorizationHeaderMalformed":
    case "IllegalLocationConstraintException":
      return failWhole("invalid", `The bucket "${bucket}" is in another region: set AWS_REGION (${message}).`)
    case "InvalidObjectState":
      return fail("denied", `${address} is archived: restore it first.`)
    case "ConditionalRequestConflict":
    case "OperationAborted":
      return retry("conflict", `Another writer is changing ${address}.`, "brief")
    case "PreconditionFailed":
      return fail("conflict", `Another writer has changed ${address}.`)
    case "IncompleteBody":
      return retry("unreachable", `What was written to ${address} arrived changed.`)
    case "Damaged":
      return retry("unreachable", `What arrived of ${address} is damaged: ${message}.`, "brief")
    case "Foreign":
      return failWhole("invalid", `${endpoint} does not answer as S3 does: check AWS_ENDPOINT_URL_S3.`, untilProven)
    case "Stalled":
      return retry("unreachable", `${endpoint} fell silent: ${message}.`)
  }
  // BadDigest, XAmzContentSHA256Mismatch, XAmzContentChecksumMismatch, and what others call it.
  if (/Digest|Mismatch$/.test(name) && name !== "SignatureDoesNotMatch") {
    return retry("unreachable", `What was written to ${address} arrived changed.`)
  }
  switch (status) {
    case undefined:
      return unanswered({ name, message, code }, asked)
    case 401:
    case 403:
      return fail("denied", `${endpoint} refuses access to ${address} (${said}).`)
    case 404:
      if (isUnreadable && !proven) break
      return key === ""
        ? fail("missing", `There is no bucket "${bucket}" at ${endpoint}.`)
        : fail("missing", `${address} does not exist.`)
    case 407: {
      const sentence = `The proxy ${proxy?.address ?? "on the way"} wants credentials for ${endpoint} (HTTP 407)`
      return fail("denied", `${sentence}: write them into ${proxy?.setting ?? "its address"}.`)
    }
    case 412:
      return fail("conflict", `Another writer has changed ${address}.`)
    case 429:
      return retry("unreachable", `${endpoint} is asked too often (HTTP 429).`)
  }
  // As MinIO and Ceph say it.
  if (status === 507 || name === "XMinioStorageFull" || name === "QuotaExceeded") {
    return fail("full", `${endpoint} has no room left for ${address} (${said}): make room on it.`)
  }
  if (status === 501) return fail("invalid", `${endpoint} cannot do what was asked of ${address} (${said}).`)
  if (status >= 500 || name === "RequestTimeout" || name === "SlowDown") {
    return retry("unreachable", `${endpoint} fails (${said}).`)
  }
  // An error that is cut off says nothing about the request.
  if (isUnreadable || status < 300) {
    return retry("unreachable", `${endpoint} answers what cannot be read (${said}): is it S3?`, untilProven)
  }
  // The answer to HEAD has no body that says why.
  return retry(
    "invalid",
    `${endpoint} refuses the request for ${address} (${said}).`,
    name.startsWith("Unknown") ? "brief" : "none"
  )
}

// Certificates do not change between two requests; nearly everything else below HTTP may.
const CERTIFICATE = /CERT|SELF_SIGNED|ERR_TLS|EPROTO/

const unanswered = ({ name, message, code }: Thrown, { endpoint, key, address, proven, proxy }: Asked): Failure => {
  const failure = (sentence: string, hope: Hope, reason: StoreError["reason"] = "unreachable"): Failure => ({
    error: new StoreError({ reason, key, message: sentence }),
    hope,
    isAnswer: false
  })
  if (message === "Region is missing") {
    return failure("The region of the bucket is not known: set AWS_REGION.", "none", "invalid")
  }
  const untilProven = proven ? "full" : "brief"
  switch (code) {
    case "ECONNREFUSED":
      return proxy === undefined
        ? failure(`Nothing listens at ${endpoint}: check AWS_ENDPOINT_URL_S3.`, untilProven)
        : failure(`Nothing listens at the proxy ${proxy.address}: check ${proxy.setting}.`, untilProven)
    case "ENOTFOUND":
      return proxy === undefined
        ? failure(
            `The address ${endpoint} is not known: check AWS_ENDPOINT_URL_S3, AWS_REGION and the network.`,
            untilProven
          )
        : failure(
            `The address of the proxy ${proxy.address} is not known: check ${proxy.setting} and the network.`,
            untilProven
          )
  }
  if (typeof code === "string" && CERTIFICATE.test(code)) {
    return failure(`No secure connection to ${endpoint}: ${message}.`, "none")
  }
  return failure(
    `The request for ${address} to ${endpoint} failed: ${name}: ${message}.`,
    typeof code === "string" ? "full" : "none"
  )
}
