import { expect, test } from "bun:test"
import { availableParallelism, homedir } from "node:os"
import { join } from "node:path"
import { ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import { Settings, settings } from "../../src/config/settings.ts"

const read = (environment: Record<string, string>) =>
  Settings.pipe(
    Effect.provide(
      Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: environment }))))
    )
  )

const settingsFrom = (environment: Record<string, string>) => Effect.runPromise(read(environment))
const sentenceFor = (environment: Record<string, string>) =>
  Effect.runPromise(Effect.orDie(Effect.flip(read(environment))).pipe(Effect.map(({ message }) => message)))

test("every setting has a default", async () => {
  expect(await settingsFrom({})).toEqual({
    storeLocation: Option.none(),
    bucket: Option.none(),
    region: Option.none(),
    endpoint: Option.none(),
    credentials: Option.none(),
    caBundle: Option.none(),
    storePatience: 180,
    allowUnconditionalWrites: false,
    clipMaxSeconds: 30,
    maxRecordingMegabytes: 512,
    maxSkipped: 0.2,
    gateTolerance: 0,
    gateClassTolerance: 0.05,
    fieldMinutes: 60,
    learnSites: true,
    keepVersions: 50,
    trackingUri: Option.none(),
    auditCopies: true,
    groupPattern: Option.none(),
    annotationColumn: Option.none(),
    annotationsComplete: false,
    embedder: "yamnet",
    yamnetModel: Option.none(),
    engine: "auto",
    trainer: "native",
    variants: [],
    precision: "float32",
    fetchConcurrency: 16,
    workers: availableParallelism(),
    preparers: Math.max(1, availableParallelism() - 1),
    host: "127.0.0.1",
    port: 8000,
    apiToken: Option.none(),
    allowAnonymous: false,
    corsOrigins: [],
    maxUploadMegabytes: 50,
    trustedProxies: [],
    rateLimit: 20_000,
    traceEndpoint: Option.none(),
    predictors: Math.min(4, availableParallelism()),
    modelCache: join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ecosight"),
    databaseUrl: Option.none(),
    minNewSamples: 100,
    watchInterval: 60,
    alarmsPerHour: 5,
    scanLanded: true,
    queueUrl: Option.none(),
    allowNewClasses: false
  })
})

test("an empty variable counts as not set", async () => {
  const empty = Object.fromEntries(settings.map(({ name }) => [name, ""]))
  expect(await settingsFrom(empty)).toEqual(await settingsFrom({}))
})

test("settings are read from the environment", async () => {
  const value = await settingsFrom({
    S3_BUCKET: "field-recordings.2024",
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "AKIA",
    AWS_SECRET_ACCESS_KEY: "s3cr3t",
    AWS_SESSION_TOKEN: "t0k3n",
    CLIP_MAX_SECONDS: "2.5",
    MAX_SKIPPED: "0.5",
    GATE_TOLERANCE: "1%",
    GATE_CLASS_TOLERANCE: "0.1",
    YAMNET_MODEL: "https://example.org/yamnet.h5",
    ENGINE: "webgpu",
    FETCH_CONCURRENCY: "4",
    WORKERS: "1"
  })
  expect(value).toMatchObject({
    bucket: Option.some("field-recordings.2024"),
    region: Option.some("eu-west-1"),
    clipMaxSeconds: 2.5,
    maxSkipped: 0.5,
    gateTolerance: 0.01,
    gateClassTolerance: 0.1,
    yamnetModel: Option.some("https://example.org/yamnet.h5"),
    engine: "webgpu",
    fetchConcurrency: 4,
    workers: 1,
    preparers: 1
  })
  const credentials = Option.getOrThrow(value.credentials)
  expect(credentials.accessKeyId).toBe("AKIA")
  expect(Redacted.value(credentials.secretAccessKey)).toBe("s3cr3t")
  expect(Option.map(credentials.sessionToken, Redacted.value)).toEqual(Option.some("t0k3n"))
  expect(JSON.stringify(value)).not.toMatch(/s3cr3t|t0k3n/)
})

test("S3's own endpoint goes before the general one", async () => {
  const general = { AWS_ENDPOINT_URL: "https://general.example" }
  expect((await settingsFrom(general)).endpoint).toEqual(Option.some("https://general.example"))
  const both = { ...general, AWS_ENDPOINT_URL_S3: "http://localhost:9000" }
  expect((await settingsFrom(both)).endpoint).toEqual(Option.some("http://localhost:9000"))
})

test("the service's settings are read, and its token stays secret", async () => {
  const token = "a-token-of-the-service"
  const value = await settingsFrom({
    API_TOKEN: token,
    ALLOW_NEW_CLASSES: "1",
    MODEL_CACHE: "/var/cache/models",
    CORS_ORIGINS: "https://a.example, http://localhost:3000"
  })
  expect(Option.map(value.apiToken, Redacted.value)).toEqual(Option.some(token))
  expect(JSON.stringify(value)).not.toContain(token)
  expect(value).toMatchObject({
    allowNewClasses: true,
    modelCache: "/var/cache/models",
    corsOrigins: ["https://a.example", "http://localhost:3000"]
  })
})

test("a share may be a percentage", async () => {
  const shares = { "20%": 0.2, "0": 0, "100%": 1, "12.5%": 0.125, "1": 1, "0.05": 0.05 }
  for (const [text, share] of Object.entries(shares)) {
    expect((await settingsFrom({ MAX_SKIPPED: text })).maxSkipped).toBe(share)
  }
})

test("a group pattern may be written for Unicode or without", async () => {
  const patternOf = async (text: string) =>
    Option.getOrThrow((await settingsFrom({ GROUP_PATTERN: text })).groupPattern)
  expect((await patternOf("^(\\p{L}+)-")).exec("цапля-1.wav")?.[1]).toBe("цапля")
  expect((await patternOf("^(\\w+)\\-")).exec("site-1.wav")?.[1]).toBe("site")
})

const WRONG: ReadonlyArray<readonly [name: string, value: string, sentence: string]> = [
  ["S3_BUCKET", "My_Bucket", "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens"],
  ["S3_BUCKET", "s3://bucket", "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens"],
  ["AWS_REGION", "eu west", "a region such as eu-west-1"],
  ["AWS_ENDPOINT_URL_S3", "localhost:9000", "an address such as http://localhost:9000"],
  ["AWS_ENDPOINT_URL", "ftp://x", "an address such as http://localhost:9000"],
  ["CLIP_MAX_SECONDS", "abc", "a number of seconds from 1 to 3600"],
  ["CLIP_MAX_SECONDS", "0", "a number of seconds from 1 to 3600"],
  ["CLIP_MAX_SECONDS", "-5", "a number of seconds from 1 to 3600"],
  ["CLIP_MAX_SECONDS", "NaN", "a number of seconds from 1 to 3600"],
  ["CLIP_MAX_SECONDS", "1e9", "a number of seconds from 1 to 3600"],
  ["MAX_SKIPPED", "20", "a share from 0 to 1, or from 0% to 100%"],
  ["MAX_SKIPPED", "120%", "a share from 0 to 1, or from 0% to 100%"],
  ["GROUP_PATTERN", "(", "a regular expression"],
  ["ENGINE", "gpu", "auto, webgpu or native"],
  ["VARIANTS", "low_pass,rain", "none, or a list of low_pass"],
  ["VARIANTS", "none,low_pass", "none, or a list of low_pass"],
  ["FETCH_CONCURRENCY", "0", "a whole number from 1 to 256"],
  ["FETCH_CONCURRENCY", "1.5", "a whole number from 1 to 256"],
  ["WORKERS", "many", "a whole number from 1 to 256"],
  ["ALARMS_PER_HOUR", "0x5", "1, 5 or 20"],
  ["HOST", "0.0.0.0/8", "an address or a host's name, such as 0.0.0.0"],
  ["PORT", "65536", "a whole number from 0 to 65535"],
  ["ALLOW_ANONYMOUS", "maybe", "1 or 0"],
  ["CORS_ORIGINS", "*", "origins such as https://example.org, separated by commas"],
  ["MAX_UPLOAD_MB", "0", "a whole number of megabytes from 1 to 4096"]
]

test("VARIANTS=none is as if it were not set", async () => {
  expect((await settingsFrom({ VARIANTS: "none" })).variants).toEqual([])
  expect((await settingsFrom({ VARIANTS: "low_pass" })).variants).toEqual(["low_pass"])
})

for (const [name, value, allowed] of WRONG) {
  test(`${name}=${value} is refused with one sentence`, async () => {
    expect(await sentenceFor({ [name]: value })).toBe(`${name} is "${value}", but must be ${allowed}.`)
  })
}

test("half a pair of credentials is refused, and a secret is never repeated", async () => {
  expect(await sentenceFor({ AWS_ACCESS_KEY_ID: "AKIA" })).toBe(
    "AWS_SECRET_ACCESS_KEY is not set, but AWS_ACCESS_KEY_ID is: set both, or neither to use the AWS SDK's own credentials."
  )
  expect(await sentenceFor({ AWS_SECRET_ACCESS_KEY: "x" })).toStartWith("AWS_ACCESS_KEY_ID is not set")
  const pasted = await sentenceFor({ AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "my secret" })
  expect(pasted).toBe("AWS_SECRET_ACCESS_KEY has a value that is not allowed; it must be without spaces.")
})

test("every setting is described", () => {
  expect(new Set(settings.map(({ name }) => name)).size).toBe(settings.length)
  for (const { name, fallback, description } of settings) {
    expect(name).toMatch(/^[A-Z0-9_]+$/)
    expect(fallback).not.toBe("")
    expect(description).not.toEndWith(".")
  }
})

test("an address with a user and a password is refused, without repeating them", async () => {
  for (const name of ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "SQS_QUEUE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"]) {
    for (const scheme of ["http", "ftp"]) {
      const sentence = await sentenceFor({ [name]: `${scheme}://admin:secret@store:9000` })
      expect(sentence).toStartWith(`${name} is "${scheme}://***@store:9000", but must be an address`)
    }
  }
})

test("nor are they where the address lacks its scheme, or has it wrong", async () => {
  for (const scheme of ["", "http//", "http:/"]) {
    const sentence = await sentenceFor({ MLFLOW_TRACKING_URI: `${scheme}admin:%secret@mlflow:5000` })
    expect(sentence).toStartWith(`MLFLOW_TRACKING_URI is "${scheme}***@mlflow:5000", but must be an address`)
  }
})

test("trusted proxies are addresses and networks", async () => {
  const { trustedProxies } = await settingsFrom({ TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8,fd00::/8" })
  expect(trustedProxies).toEqual(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])
  for (const wrong of ["localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::1/129", "*"]) {
    expect(await sentenceFor({ TRUSTED_PROXIES: wrong })).toContain("must be addresses and networks")
  }
})
