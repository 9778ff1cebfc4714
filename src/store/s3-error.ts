import { StoreError } from "./store.ts"

/** An S3 request that failed, explained, and whether asking again can help. */
export interface Failure {
  readonly error: StoreError
  readonly retryable: boolean
}

/** What was asked, as far as a message needs it. */
export interface Asked {
  readonly endpoint: string
  readonly bucket: string
  /** The key, or the prefix when listing. */
  readonly key: string
  /** The same as an `s3://` address. */
  readonly address: string
}

/** The server fell silent: no answer, or none of its next bytes, within the time allowed. */
export class Stalled extends Error {
  override readonly name = "Stalled"
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
  const { endpoint, bucket, key, address } = asked
  // The answer to HEAD has no body, and so no name for what went wrong.
  const said = name.startsWith("Unknown") ? `HTTP ${status}` : `HTTP ${status}, ${name}: ${message}`
  const fail = (reason: StoreError["reason"], sentence: string): Failure => ({
    error: new StoreError({ reason, key, message: sentence }),
    retryable: false
  })
  const retry = (reason: StoreError["reason"], sentence: string): Failure => ({
    ...fail(reason, sentence),
    retryable: true
  })

  switch (name) {
    case "NoSuchBucket":
      return fail("missing", `There is no bucket "${bucket}" at ${endpoint}.`)
    case "InvalidAccessKeyId":
      return fail("denied", `${endpoint} does not know this access key: check AWS_ACCESS_KEY_ID.`)
    case "SignatureDoesNotMatch":
      return fail("denied", `${endpoint} refuses the secret key: check AWS_SECRET_ACCESS_KEY.`)
    case "ExpiredToken":
    case "ExpiredTokenException":
    case "TokenRefreshRequired":
      return fail("denied", "The credentials have expired: renew them.")
    case "InvalidToken":
      return fail("denied", `${endpoint} refuses the session token: check AWS_SESSION_TOKEN.`)
    case "RequestTimeTooSkewed":
      // The SDK learns the server's clock from this answer, so the next request is signed with the right time.
      return retry("denied", `This machine's clock differs too much from that of ${endpoint}: set it.`)
    case "CredentialsProviderError":
    case "TokenProviderError":
      return fail(
        "denied",
        `No credentials for s3://${bucket}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine an ` +
          `AWS profile or role (${message}).`
      )
    case "PermanentRedirect":
    case "AuthorizationHeaderMalformed":
    case "IllegalLocationConstraintException":
      return fail("invalid", `The bucket "${bucket}" is in another region: set AWS_REGION (${message}).`)
    case "InvalidObjectState":
      return fail("denied", `${address} is archived: restore it first.`)
    case "ConditionalRequestConflict":
    case "OperationAborted":
      return retry("conflict", `Another writer is changing ${address}.`)
    case "PreconditionFailed":
      return fail("conflict", `Another writer has changed ${address}.`)
    case "BadDigest":
      return retry("unreachable", `What was written to ${address} arrived changed.`)
    case "Stalled":
      return retry("unreachable", `${endpoint} fell silent: ${message}.`)
  }
  switch (status) {
    case undefined:
      return unanswered({ name, message, code }, asked)
    case 401:
    case 403:
      return fail("denied", `${endpoint} refuses access to ${address} (${said}).`)
    case 404:
      return key === ""
        ? fail("missing", `There is no bucket "${bucket}" at ${endpoint}.`)
        : fail("missing", `${address} does not exist.`)
    case 412:
      return fail("conflict", `Another writer has changed ${address}.`)
    case 429:
      return retry("unreachable", `${endpoint} is asked too often (HTTP 429).`)
  }
  if (status >= 500 || name === "RequestTimeout" || name === "SlowDown") {
    return retry("unreachable", `${endpoint} fails (${said}).`)
  }
  return fail("invalid", `${endpoint} refuses the request for ${address} (${said}).`)
}

// Certificates do not change between two requests; nearly everything else below HTTP may.
const CERTIFICATE = /CERT|SELF_SIGNED|ERR_TLS|EPROTO/

const unanswered = ({ name, message, code }: Thrown, { endpoint, key, address }: Asked): Failure => {
  const certificate = typeof code === "string" && CERTIFICATE.test(code)
  if (message === "Region is missing") {
    const sentence = "The region of the bucket is not known: set AWS_REGION."
    return { error: new StoreError({ reason: "invalid", key, message: sentence }), retryable: false }
  }
  const sentence =
    code === "ECONNREFUSED"
      ? `Nothing listens at ${endpoint}: check AWS_ENDPOINT_URL_S3.`
      : code === "ENOTFOUND"
        ? `The address ${endpoint} is not known: check AWS_ENDPOINT_URL_S3, AWS_REGION and the network.`
        : certificate
          ? `No secure connection to ${endpoint}: ${message}.`
          : `The request for ${address} to ${endpoint} failed: ${name}: ${message}.`
  return {
    error: new StoreError({ reason: "unreachable", key, message: sentence }),
    retryable: !certificate && typeof code === "string"
  }
}
