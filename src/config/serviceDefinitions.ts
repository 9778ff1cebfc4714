import { Schema } from "effect"
import { ALARM_RATES } from "./alarmRates.ts"
import { define } from "./define.ts"
import { address, isNetwork, matching, seconds, splitList, WHOLE, wholeNumber, yesOrNo } from "./forms.ts"

/** What runs on its own: the service, the workers of a cluster, and what is done as recordings land. */
export const serviceDefinitions = {
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
    ...address,
    allowed: "an address such as http://localhost:4318"
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
    allowed: `${ALARM_RATES.slice(0, -1).join(", ")} or ${ALARM_RATES.at(-1)}`,
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
    ...address,
    allowed: "an address such as https://sqs.eu-west-1.amazonaws.com/123456789012/recordings"
  }),
  allowNewClasses: define({
    name: "ALLOW_NEW_CLASSES",
    fallback: "0",
    description: "Whether an upload may name a class that has no recording yet",
    allowed: "1 or 0",
    schema: yesOrNo
  })
}
