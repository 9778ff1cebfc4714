import { Duration, Effect, Schema } from "effect"

/** The server that runs are logged to does not take them; `message` completes "it ...". */
export class TrackerError extends Schema.TaggedError<TrackerError>()("TrackerError", {
  message: Schema.String,
  /** The server's own code, such as RESOURCE_ALREADY_EXISTS; empty where it gave none. */
  code: Schema.String
}) {}

/** How long a request may take, and the sending of one file. */
const PATIENCE = { request: Duration.seconds(5), file: Duration.seconds(30) }

const Refusal = Schema.Struct({
  error_code: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String)
})

/** Bytes of an answer; MLflow's are a few thousand. */
const MOST = 1 << 20

const UNKNOWN =
  "takes no request without a user and a password that it knows (MLFLOW_TRACKING_URI=https://user:password@server)"

const readText = async ({ body }: Response): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    // Leaving the loop ends the transfer.
    if (size > MOST) throw new TrackerError({ message: "does not answer as MLflow does", code: "" })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const ask = Effect.fnUntraced(function* (url: string, request: RequestInit, patience: Duration.Duration) {
  const { response, text } = yield* Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(url, { ...request, signal })
      return { response, text: await readText(response) }
    },
    catch: (cause) =>
      cause instanceof TrackerError ? cause : new TrackerError({ message: "cannot be reached", code: "" })
  }).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () =>
        Effect.fail(new TrackerError({ message: `does not answer within ${Duration.toSeconds(patience)} s`, code: "" }))
    })
  )
  if (response.ok) return text
  if (response.status === 401) return yield* new TrackerError({ message: UNKNOWN, code: "" })
  const refusal = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Refusal))(text).pipe(
    Effect.orElseSucceed((): typeof Refusal.Type => ({}))
  )
  const why = refusal.message === undefined ? "" : ` (${refusal.message.split("\n")[0]!.slice(0, 200)})`
  return yield* new TrackerError({
    message: `answers HTTP ${response.status}${why}`,
    code: refusal.error_code ?? ""
  })
})

/** An address in two: without user and password, for people too, and what these are sent as (basic authentication). */
const partsOf = (address: string) => {
  const url = new URL(address)
  const [user, password] = [url.username, url.password].map(decodeURIComponent)
  url.username = url.password = ""
  const key = Buffer.from(`${user}:${password}`).toString("base64")
  return {
    shown: url.href.replace(/\/$/, ""),
    headers: user === "" && password === "" ? {} : { authorization: `Basic ${key}` }
  }
}

/** MLflow's REST interface at an address, in which a user and a password may stand; `address` is for people. */
export const trackerAt = (given: string) => {
  const { shown: address, headers } = partsOf(given)
  const base = `${address}/api/2.0`
  const decoded = <A>(schema: Schema.ConstraintDecoder<A>, text: string) =>
    Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text).pipe(
      Effect.mapError(() => new TrackerError({ message: "does not answer as MLflow does", code: "" }))
    )
  return {
    address,
    get: <A>(path: string, query: Record<string, string>, schema: Schema.ConstraintDecoder<A>) =>
      Effect.flatMap(
        ask(`${base}/mlflow/${path}?${new URLSearchParams(query)}`, { headers }, PATIENCE.request),
        (text) => decoded(schema, text)
      ),
    post: <A>(path: string, body: object, schema: Schema.ConstraintDecoder<A>) => {
      const json = { ...headers, "content-type": "application/json" }
      const request = { method: "POST", headers: json, body: JSON.stringify(body) }
      return Effect.flatMap(ask(`${base}/mlflow/${path}`, request, PATIENCE.request), (text) => decoded(schema, text))
    },
    /** Sends a file to where the server keeps artefacts on its clients' behalf. */
    put: (path: string, bytes: Uint8Array) =>
      ask(`${base}/mlflow-artifacts/artifacts/${path}`, { method: "PUT", headers, body: bytes.slice() }, PATIENCE.file)
  }
}
export type Tracker = ReturnType<typeof trackerAt>
