import { Option, Schema } from "effect"
import { ALARM_RATES } from "./alarmRates.ts"
import {
  address,
  compile,
  FURTHER_NAMES,
  furtherVariants,
  guardedAddress,
  isNetwork,
  matching,
  seconds,
  share,
  splitList,
  WHOLE,
  wholeNumber,
  yesOrNo
} from "./forms.ts"

/** An environment variable, as `--help` and docs/operating.md describe it. */
export interface Setting {
  readonly name: string
  /** What holds where it is not set: a value, or words. */
  readonly fallback: string
  readonly description: string
}

/** The same, and how it is read. */
export interface Definition<A> extends Setting {
  /** Completes "must be ...". */
  readonly allowed: string
  readonly schema: Schema.ConstraintDecoder<A>
  /** Whether an error must not repeat the value. */
  readonly secret?: boolean
}

const define = <A>(definition: Definition<A>): Definition<A> => definition

/** Every setting, in the order in which to describe them. */
export const definitions = {
  storeLocation: define({
    name: "STORE",
    fallback: "the bucket S3_BUCKET, else the current folder",
    description: "What `--store` names where it is not given: s3://bucket, s3://bucket/prefix or a folder",
    allowed: "s3://... or a folder",
    schema: Schema.NonEmptyString
  }),
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
  caBundle: define({
    name: "AWS_CA_BUNDLE",
    fallback: "the certificate authorities that Bun knows",
    description: "A PEM file of the certificate authorities that the S3 server's certificate is checked against",
    allowed: "the path of a file of PEM certificates",
    schema: Schema.NonEmptyString
  }),
  storePatience: define({
    name: "STORE_PATIENCE",
    fallback: "180",
    description: "Seconds for which a bucket that fails or does not answer is asked again before a command gives up",
    allowed: "a number of seconds from 1 to 3600",
    schema: seconds
  }),
  allowUnconditionalWrites: define({
    name: "ALLOW_UNCONDITIONAL_WRITES",
    fallback: "0",
    description:
      "Whether to use an S3 server that ignores If-Match and If-None-Match, where nothing keeps two runs from training and " +
      "promoting at once",
    allowed: "1 or 0",
    schema: yesOrNo
  }),
  clipMaxSeconds: define({
    name: "CLIP_MAX_SECONDS",
    fallback: "30",
    description:
      "Seconds of sound that variants, and predictions, are made of at most; a longer recording trains from all of its windows, " +
      "up to ten minutes of it (or up to this, if it is more)",
    allowed: "a number of seconds from 1 to 3600",
    schema: seconds
  }),
  maxRecordingMegabytes: define({
    name: "MAX_RECORDING_MB",
    fallback: "512",
    description:
      "Recordings that have to be read whole and are larger than this are skipped; also what may be held at once before decoding, and by requests to the service",
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
  fieldMinutes: define({
    name: "FIELD_MINUTES",
    fallback: "60",
    description:
      "Minutes in which a run hears its model and the promoted one: of field recordings held out and annotated completely, or, " +
      "where these are fewer than five, of soundscape made of the recordings held out (fewer where there are fewer minutes of " +
      "recordings); 0 for none",
    allowed: "a whole number of minutes from 0 to 10000",
    schema: wholeNumber(0, 10_000)
  }),
  learnSites: define({
    name: "LEARN_SITES",
    fallback: "1",
    description:
      "Whether scans learn the sound of each site, so that what is always heard there is told as an event less often",
    allowed: "1 or 0",
    schema: yesOrNo
  }),
  keepVersions: define({
    name: "KEEP_VERSIONS",
    fallback: "50",
    description:
      "Versions of the model that a run leaves, the newest; what is promoted, and what a rollback may go back to, stay beside them",
    allowed: "a whole number from 1 to 100000",
    schema: wholeNumber(1, 100_000)
  }),
  trackingUri: define({
    name: "MLFLOW_TRACKING_URI",
    fallback: "none; runs are recorded in the store alone",
    description:
      "The MLflow server that finished runs are logged to, and their versions registered with; may hold user:password@",
    allowed: "an address such as http://localhost:5000 or https://user:password@mlflow.example.org",
    schema: guardedAddress
  }),
  auditCopies: define({
    name: "AUDIT_COPIES",
    fallback: "1",
    description:
      "Whether the service's own runs, and what it embeds as it lands, write the variants to augmented_audio",
    allowed: "1 or 0",
    schema: yesOrNo
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
  annotationColumn: define({
    name: "ANNOTATION_COLUMN",
    fallback: "the first of Species, Annotation, Label, Class, Tag and the like",
    description: "The column of tables of annotations that names the class",
    allowed: "a column's name",
    schema: matching(/\S/)
  }),
  annotationsComplete: define({
    name: "ANNOTATIONS_COMPLETE",
    fallback: "0",
    description:
      "Whether all field recordings that have a table were listened to completely, so that what is not annotated is background",
    allowed: "1 or 0",
    schema: yesOrNo
  }),
  embedder: define({
    name: "EMBEDDER",
    fallback: "yamnet",
    description:
      "What makes vectors of sound: an embedder's id, or the path of an ONNX file with embedder.json beside it",
    allowed: "an embedder's id, or the path of an .onnx file",
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
  trainer: define({
    name: "TRAINER",
    fallback: "native",
    description:
      "What trains the classifier. native: onnxruntime, on the processor. webgpu: TensorFlow.js, on the graphics card, where ENGINE " +
      "has the embedder run there; it is slower, for comparison",
    allowed: "native or webgpu",
    schema: Schema.Literals(["native", "webgpu"])
  }),
  variants: define({
    name: "VARIANTS",
    fallback: "none",
    description:
      "Variants that each recording gives beside those drawn: low_pass, as heard from afar or by a recorder of less bandwidth; none of them unless named. Each embeds everything again, and takes a sixth longer",
    allowed: `none, or a list of ${FURTHER_NAMES.join(", ")}`,
    schema: Schema.String.check(Schema.makeFilter((text) => furtherVariants(text) !== undefined))
  }),
  precision: define({
    name: "PRECISION",
    fallback: "float32",
    description:
      "What the network keeps its numbers in: int8 is faster on processors, float16 on cards that have it; the vectors of each are kept apart",
    allowed: "float32, float16 or int8",
    schema: Schema.Literals(["float32", "float16", "int8"])
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
    fallback: "one per processor core; where clips are embedded, one fewer",
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
  trustedProxies: define({
    name: "TRUSTED_PROXIES",
    fallback: "none",
    description:
      "Addresses and networks of the proxies before the service, separated by commas: only they are believed what they " +
      "say of a client in X-Forwarded-For and X-Forwarded-Host",
    allowed: "addresses and networks such as 127.0.0.1, 10.0.0.0/8, separated by commas",
    schema: Schema.String.check(Schema.makeFilter((text) => splitList(text).every(isNetwork)))
  }),
  rateLimit: define({
    name: "RATE_LIMIT",
    fallback: "20000",
    description:
      "Predictions and uploads that may come in a minute with the token; where there is none, from one client's address",
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
  modelCache: define({
    name: "MODEL_CACHE",
    fallback: "ecosight in the user's cache folder",
    description:
      "The folder in which the service keeps a copy of the model it serves, for when the store is away, and large recordings while they are answered; what YAMNet's layers were measured to give lies there, and a package's weights and unpacked libraries",
    allowed: "a path",
    schema: Schema.NonEmptyString
  }),
  databaseUrl: define({
    name: "DATABASE_URL",
    fallback: "none; each run is done by the process that starts it",
    description: "The PostgreSQL database through which runs and scans are spread over the workers",
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
  alarmsPerHour: define({
    name: "ALARMS_PER_HOUR",
    fallback: "5",
    description:
      "False alarms of each class an hour that scans, watch and serve allow: events are told from the probabilities at which " +
      "the model had no more of them in the sound that it was tested in; a site with other sounds may have more",
    allowed: ALARM_RATES.join(", "),
    schema: matching(WHOLE).pipe(
      Schema.decodeTo(Schema.NumberFromString),
      Schema.decodeTo(Schema.Literals(ALARM_RATES))
    )
  }),
  scanLanded: define({
    name: "SCAN_LANDED",
    fallback: "1",
    description: "Whether watch and serve hear field recordings as they land",
    allowed: "1 or 0",
    schema: yesOrNo
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
