import { availableParallelism } from "node:os"
import { Config, Context, Effect, Layer, Option, Redacted, Schema, SchemaTransformation } from "effect"

/** A setting that is wrong; the message names it, its value and what is allowed. */
export class SettingError extends Schema.TaggedError<SettingError>()("SettingError", {
  setting: Schema.String,
  message: Schema.String
}) {}

/** An environment variable, as `--help` and docs/operating.md describe it. */
export interface Setting {
  readonly name: string
  /** What holds where it is not set: a value, or words. */
  readonly fallback: string
  readonly description: string
}

interface Definition<A> extends Setting {
  /** Completes "must be ...". */
  readonly allowed: string
  readonly schema: Schema.ConstraintDecoder<A>
  /** Whether an error must not repeat the value. */
  readonly secret?: boolean
}

const define = <A>(definition: Definition<A>): Definition<A> => definition

const matching = (pattern: RegExp) => Schema.String.check(Schema.isPattern(pattern))

const wholeNumber = (minimum: number, maximum: number) =>
  matching(/^\d+$/).pipe(Schema.decodeTo(Schema.NumberFromString.check(Schema.isBetween({ minimum, maximum }))))

const seconds = matching(/^\d+(\.\d+)?$/).pipe(
  Schema.decodeTo(Schema.NumberFromString.check(Schema.isBetween({ minimum: 1, maximum: 3600 })))
)

const share = matching(/^\d+(\.\d+)?%?$/).pipe(
  Schema.decodeTo(
    Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    SchemaTransformation.transform({
      decode: (text) => Number.parseFloat(text) / (text.endsWith("%") ? 100 : 1),
      encode: String
    })
  )
)

// Unicode mode for \p{...}; without it where it is too strict, as for the common but needless escape in "\-".
const compile = (text: string): Option.Option<RegExp> => Option.orElse(compileUnicode(text), () => compilePlain(text))
const splitList = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")

const compileUnicode = Option.liftThrowable((text: string) => new RegExp(text, "u"))
const compilePlain = Option.liftThrowable((text: string) => new RegExp(text))

const yesOrNo = Schema.Literals(["1", "0", "true", "false"]).pipe(
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform({
      decode: (text) => text === "1" || text === "true",
      encode: (value) => (value ? ("1" as const) : ("0" as const))
    })
  )
)

const webAddress = Schema.String.check(
  Schema.makeFilter((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))
)

const address = { allowed: "an address such as http://localhost:9000", schema: webAddress }

const definitions = {
  bucket: define({
    name: "S3_BUCKET",
    fallback: "a folder is used",
    description: "The bucket that holds the recordings and receives the results",
    allowed: "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens",
    schema: matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
  }),
  accessKeyId: define({
    name: "AWS_ACCESS_KEY_ID",
    fallback: "the AWS SDK looks for profiles and roles",
    description: "The access key, together with AWS_SECRET_ACCESS_KEY",
    allowed: "without spaces",
    schema: matching(/^\S+$/)
  }),
  secretAccessKey: define({
    name: "AWS_SECRET_ACCESS_KEY",
    fallback: "the AWS SDK looks for profiles and roles",
    description: "The secret that belongs to AWS_ACCESS_KEY_ID",
    allowed: "without spaces",
    schema: matching(/^\S+$/),
    secret: true
  }),
  sessionToken: define({
    name: "AWS_SESSION_TOKEN",
    fallback: "none",
    description: "The token of temporary credentials",
    allowed: "without spaces",
    schema: matching(/^\S+$/),
    secret: true
  }),
  region: define({
    name: "AWS_REGION",
    fallback: "the AWS profile's, or us-east-1 at another server than Amazon's",
    description: "The bucket's region",
    allowed: "a region such as eu-west-1",
    schema: matching(/^[a-z0-9-]+$/)
  }),
  endpoint: define({
    name: "AWS_ENDPOINT_URL_S3",
    fallback: "AWS_ENDPOINT_URL, else Amazon S3",
    description: "The address of another S3 server: MinIO, R2, Ceph and others",
    ...address
  }),
  anyEndpoint: define({
    name: "AWS_ENDPOINT_URL",
    fallback: "Amazon S3",
    description: "The same, where AWS_ENDPOINT_URL_S3 is not set",
    ...address
  }),
  clipMaxSeconds: define({
    name: "CLIP_MAX_SECONDS",
    fallback: "30",
    description: "Seconds of a recording that are used; the rest is cut off",
    allowed: "a number of seconds from 1 to 3600",
    schema: seconds
  }),
  maxRecordingMegabytes: define({
    name: "MAX_RECORDING_MB",
    fallback: "512",
    description:
      "Recordings larger than this are skipped; also what may be held in memory at once before decoding, and while uploading",
    allowed: "a whole number of megabytes from 1 to 4096",
    schema: wholeNumber(1, 4096)
  }),
  maxSkipped: define({
    name: "MAX_SKIPPED",
    fallback: "20%",
    description: "The share of recordings that may be unreadable before a run fails",
    allowed: "a share from 0 to 1, or from 0% to 100%",
    schema: share
  }),
  gateTolerance: define({
    name: "GATE_TOLERANCE",
    fallback: "0",
    description: "By how much a new model's macro-F1 may be lower than the promoted one's, for it to be promoted",
    allowed: "a share from 0 to 1, or from 0% to 100%",
    schema: share
  }),
  gateClassTolerance: define({
    name: "GATE_CLASS_TOLERANCE",
    fallback: "0.05",
    description: "The same for the recall of each class",
    allowed: "a share from 0 to 1, or from 0% to 100%",
    schema: share
  }),
  groupPattern: define({
    name: "GROUP_PATTERN",
    fallback: "the number before the first hyphen of UrbanSound8K's names, else the name without ending and variant",
    description:
      "A regular expression whose first group names a recording's source, so that all that was cut from one source is " +
      "either trained on or held out; matched against the file name, or <class>/<path> if it contains a slash",
    allowed: "a regular expression",
    schema: Schema.String.check(Schema.makeFilter((text) => Option.isSome(compile(text))))
  }),
  embedder: define({
    name: "EMBEDDER",
    fallback: "yamnet",
    description: "What makes vectors of sound",
    allowed: "an embedder's id",
    schema: Schema.NonEmptyString
  }),
  yamnetModel: define({
    name: "YAMNET_MODEL",
    fallback: "models/yamnet, else downloaded once",
    description: "Where YAMNet's weights are: a TensorFlow.js model folder, a yamnet.h5 file, or the address of either",
    allowed: "a path or an address",
    schema: Schema.NonEmptyString
  }),
  engine: define({
    name: "ENGINE",
    fallback: "auto",
    description: "Where the network runs: auto takes WebGPU on a graphics card, else the native engine",
    allowed: "auto, webgpu or native",
    schema: Schema.Literals(["auto", "webgpu", "native"])
  }),
  precision: define({
    name: "PRECISION",
    fallback: "float32",
    description:
      "What the network keeps its numbers in: float16 is faster on cards that have it, and its vectors are kept apart",
    allowed: "float32 or float16",
    schema: Schema.Literals(["float32", "float16"])
  }),
  fetchConcurrency: define({
    name: "FETCH_CONCURRENCY",
    fallback: "16",
    description: "Recordings fetched at once",
    allowed: "a whole number from 1 to 256",
    schema: wholeNumber(1, 256)
  }),
  workers: define({
    name: "WORKERS",
    fallback: "one per processor core",
    description: "Threads that decode and augment",
    allowed: "a whole number from 1 to 256",
    schema: wholeNumber(1, 256)
  }),
  host: define({
    name: "HOST",
    fallback: "127.0.0.1",
    description: "The address that the service listens on; another than this machine's own needs API_TOKEN",
    allowed: "an address or a host's name, such as 0.0.0.0",
    schema: matching(/^[A-Za-z0-9.:_-]+$/)
  }),
  port: define({
    name: "PORT",
    fallback: "8000",
    description: "The port that the service listens on; 0 takes a free one",
    allowed: "a whole number from 0 to 65535",
    schema: wholeNumber(0, 65_535)
  }),
  apiToken: define({
    name: "API_TOKEN",
    fallback: "none; the service then listens on this machine only",
    description: "What requests that write or cost must send as Authorization: Bearer",
    allowed: "at least 16 characters without spaces",
    schema: matching(/^\S{16,}$/),
    secret: true
  }),
  allowAnonymous: define({
    name: "ALLOW_ANONYMOUS",
    fallback: "0",
    description: "Whether the service may listen on other addresses without API_TOKEN",
    allowed: "1 or 0",
    schema: yesOrNo
  }),
  corsOrigins: define({
    name: "CORS_ORIGINS",
    fallback: "none",
    description: "Origins of web pages that may use the service, separated by commas",
    allowed: "origins such as https://example.org, separated by commas",
    schema: Schema.String.check(
      Schema.makeFilter((text) => splitList(text).every((origin) => URL.parse(origin)?.origin === origin))
    )
  }),
  maxUploadMegabytes: define({
    name: "MAX_UPLOAD_MB",
    fallback: "50",
    description: "Larger uploads are refused before they are read",
    allowed: "a whole number of megabytes from 1 to 4096",
    schema: wholeNumber(1, 4096)
  }),
  rateLimit: define({
    name: "RATE_LIMIT",
    fallback: "600",
    description: "Predictions and uploads that one client may send in a minute",
    allowed: "a whole number from 1 to 1000000",
    schema: wholeNumber(1, 1_000_000)
  }),
  traceEndpoint: define({
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    fallback: "none; nothing is traced",
    description: "The OpenTelemetry collector that gets the service's traces, as OTLP over HTTP",
    ...address
  }),
  predictors: define({
    name: "PREDICTORS",
    fallback: "one per processor core, at most 4",
    description: "Processes of the service that decode and predict, of about 200 MB each",
    allowed: "a whole number from 1 to 64",
    schema: wholeNumber(1, 64)
  }),
  databaseUrl: define({
    name: "DATABASE_URL",
    fallback: "none; each run is done by the process that starts it",
    description: "The PostgreSQL database through which runs are spread over the workers",
    allowed: "an address such as postgres://user:password@host:5432/database",
    schema: Schema.String.check(
      Schema.makeFilter((text) => URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol))
    ),
    secret: true
  }),
  minNewSamples: define({
    name: "MIN_NEW_SAMPLES",
    fallback: "100",
    description: "New recordings since the last training at which another begins by itself",
    allowed: "a whole number from 1 to 1000000",
    schema: wholeNumber(1, 1_000_000)
  }),
  watchInterval: define({
    name: "WATCH_INTERVAL",
    fallback: "60",
    description: "Seconds between two looks for new recordings; a folder is also watched, a queue also listened to",
    allowed: "a number of seconds from 1 to 3600",
    schema: seconds
  }),
  queueUrl: define({
    name: "SQS_QUEUE_URL",
    fallback: "the bucket is listed",
    description: "An SQS queue that receives the bucket's event notifications",
    ...address
  }),
  allowNewClasses: define({
    name: "ALLOW_NEW_CLASSES",
    fallback: "0",
    description: "Whether an upload may name a class that has no recording yet",
    allowed: "1 or 0",
    schema: yesOrNo
  })
}

/** Every setting, in the order in which to describe them. */
export const settings: ReadonlyArray<Setting> = Object.values(definitions)

const decode = <A>({ name, allowed, schema, secret }: Definition<A>, text: string) =>
  Schema.decodeUnknownEffect(schema)(text).pipe(
    Effect.mapError(
      () =>
        new SettingError({
          setting: name,
          message: `${name} ${secret ? "has a value that is not allowed; it" : `is "${text}", but`} must be ${allowed}.`
        })
    )
  )

const lookUp = (name: string) =>
  Config.option(Config.String(name)).pipe(
    Effect.mapError((error) => new SettingError({ setting: name, message: `${name} cannot be read: ${error.message}` }))
  )

/** A setting that may be absent. An empty variable counts as absent. */
const optional = <A>(definition: Definition<A>) =>
  lookUp(definition.name).pipe(
    Effect.flatMap((text) => (Option.isNone(text) ? Effect.succeedNone : Effect.asSome(decode(definition, text.value))))
  )

/** A setting whose fallback is a value. */
const required = <A>(definition: Definition<A>) =>
  lookUp(definition.name).pipe(
    Effect.flatMap((text) =>
      decode(
        definition,
        Option.getOrElse(text, () => definition.fallback)
      )
    )
  )

const readCredentials = Effect.fn("Settings.credentials")(function* () {
  const accessKeyId = yield* optional(definitions.accessKeyId)
  const secretAccessKey = yield* optional(definitions.secretAccessKey)
  const sessionToken = yield* optional(definitions.sessionToken)
  if (Option.isSome(accessKeyId) && Option.isSome(secretAccessKey)) {
    return Option.some({
      accessKeyId: accessKeyId.value,
      secretAccessKey: Redacted.make(secretAccessKey.value),
      sessionToken: Option.map(sessionToken, (token) => Redacted.make(token))
    })
  }
  if (Option.isNone(accessKeyId) && Option.isNone(secretAccessKey)) return Option.none()
  const [present, absent] = Option.isSome(accessKeyId)
    ? [definitions.accessKeyId.name, definitions.secretAccessKey.name]
    : [definitions.secretAccessKey.name, definitions.accessKeyId.name]
  return yield* new SettingError({
    setting: absent,
    message: `${absent} is not set, but ${present} is: set both, or neither to use the AWS SDK's own credentials.`
  })
})

const readSettings = Effect.fn("Settings.read")(function* () {
  const endpoint = yield* optional(definitions.endpoint)
  const anyEndpoint = yield* optional(definitions.anyEndpoint)
  return {
    bucket: yield* optional(definitions.bucket),
    region: yield* optional(definitions.region),
    endpoint: Option.orElse(endpoint, () => anyEndpoint),
    credentials: yield* readCredentials(),
    clipMaxSeconds: yield* required(definitions.clipMaxSeconds),
    maxRecordingMegabytes: yield* required(definitions.maxRecordingMegabytes),
    maxSkipped: yield* required(definitions.maxSkipped),
    gateTolerance: yield* required(definitions.gateTolerance),
    gateClassTolerance: yield* required(definitions.gateClassTolerance),
    groupPattern: Option.flatMap(yield* optional(definitions.groupPattern), compile),
    embedder: yield* required(definitions.embedder),
    yamnetModel: yield* optional(definitions.yamnetModel),
    engine: yield* required(definitions.engine),
    precision: yield* required(definitions.precision),
    fetchConcurrency: yield* required(definitions.fetchConcurrency),
    workers: Option.getOrElse(yield* optional(definitions.workers), availableParallelism),
    host: yield* required(definitions.host),
    port: yield* required(definitions.port),
    apiToken: Option.map(yield* optional(definitions.apiToken), (token) => Redacted.make(token)),
    allowAnonymous: yield* required(definitions.allowAnonymous),
    corsOrigins: splitList(Option.getOrElse(yield* optional(definitions.corsOrigins), () => "")),
    maxUploadMegabytes: yield* required(definitions.maxUploadMegabytes),
    rateLimit: yield* required(definitions.rateLimit),
    traceEndpoint: yield* optional(definitions.traceEndpoint),
    predictors: Option.getOrElse(yield* optional(definitions.predictors), () => Math.min(4, availableParallelism())),
    databaseUrl: Option.map(yield* optional(definitions.databaseUrl), (url) => Redacted.make(url)),
    minNewSamples: yield* required(definitions.minNewSamples),
    watchInterval: yield* required(definitions.watchInterval),
    queueUrl: yield* optional(definitions.queueUrl),
    allowNewClasses: yield* required(definitions.allowNewClasses)
  }
})

/** The settings of this run, read from the environment and checked. */
export class Settings extends Context.Service<Settings, Effect.Success<ReturnType<typeof readSettings>>>()(
  "ecosight/config/Settings"
) {
  static readonly layer = Layer.effect(Settings, readSettings())
}

/** This process's environment for one that it starts, without the token that guards the service. */
export const childEnvironment = (): NodeJS.ProcessEnv => {
  const { [definitions.apiToken.name]: _, ...environment } = process.env
  return environment
}
