import { readFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { Config, Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { Definition, Setting } from "./define.ts"
import { definitions } from "./definitions.ts"
import { compile, furtherVariants, splitList, withoutCredentials } from "./forms.ts"
import { userCache } from "./userCache.ts"

/** A setting that is wrong; the message names it, its value and what is allowed. */
export class SettingError extends Schema.TaggedError<SettingError>()("SettingError", {
  setting: Schema.String,
  message: Schema.String
}) {}

/** Every setting, as `--help` and docs/operating.md describe it, in order. */
export const settings: ReadonlyArray<Setting> = Object.values(definitions)

const decode = <A>({ name, allowed, schema, secret }: Definition<A>, text: string) =>
  Schema.decodeUnknownEffect(schema)(text).pipe(
    Effect.mapError(
      () =>
        new SettingError({
          setting: name,
          message: `${name} ${secret ? "has a value that is not allowed; it" : `is "${withoutCredentials(text)}", but`} must be ${allowed}.`
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

/** The certificates in the file that AWS_CA_BUNDLE names. */
const readCertificates = Effect.fn("Settings.certificates")(function* () {
  const path = yield* optional(definitions.caBundle)
  if (Option.isNone(path)) return Option.none<string>()
  const text = yield* Effect.promise(() => readFile(path.value, "utf8").catch(() => ""))
  if (text.includes("-----BEGIN CERTIFICATE-----")) return Option.some(text)
  return yield* new SettingError({
    setting: definitions.caBundle.name,
    message: `${definitions.caBundle.name} is "${path.value}", but must be ${definitions.caBundle.allowed}.`
  })
})

const readSettings = Effect.fn("Settings.read")(function* () {
  const endpoint = yield* optional(definitions.endpoint)
  const anyEndpoint = yield* optional(definitions.anyEndpoint)
  const workers = yield* optional(definitions.workers)
  return {
    storeLocation: yield* optional(definitions.storeLocation),
    bucket: yield* optional(definitions.bucket),
    region: yield* optional(definitions.region),
    endpoint: Option.orElse(endpoint, () => anyEndpoint),
    credentials: yield* readCredentials(),
    caBundle: yield* readCertificates(),
    storePatience: yield* required(definitions.storePatience),
    allowUnconditionalWrites: yield* required(definitions.allowUnconditionalWrites),
    clipMaxSeconds: yield* required(definitions.clipMaxSeconds),
    maxRecordingMegabytes: yield* required(definitions.maxRecordingMegabytes),
    maxSkipped: yield* required(definitions.maxSkipped),
    gateTolerance: yield* required(definitions.gateTolerance),
    gateClassTolerance: yield* required(definitions.gateClassTolerance),
    fieldMinutes: yield* required(definitions.fieldMinutes),
    learnSites: yield* required(definitions.learnSites),
    keepVersions: yield* required(definitions.keepVersions),
    trackingUri: yield* optional(definitions.trackingUri),
    auditCopies: yield* required(definitions.auditCopies),
    groupPattern: Option.flatMap(yield* optional(definitions.groupPattern), compile),
    annotationColumn: yield* optional(definitions.annotationColumn),
    annotationsComplete: yield* required(definitions.annotationsComplete),
    embedder: yield* required(definitions.embedder),
    yamnetModel: yield* optional(definitions.yamnetModel),
    engine: yield* required(definitions.engine),
    trainer: yield* required(definitions.trainer),
    variants: furtherVariants(Option.getOrElse(yield* optional(definitions.variants), () => ""))!,
    precision: yield* required(definitions.precision),
    fetchConcurrency: yield* required(definitions.fetchConcurrency),
    workers: Option.getOrElse(workers, availableParallelism),
    // The main thread has a core's work beside them, and a second one on two cores only costs its start.
    preparers: Option.getOrElse(workers, () => Math.max(1, availableParallelism() - 1)),
    host: yield* required(definitions.host),
    port: yield* required(definitions.port),
    apiToken: Option.map(yield* optional(definitions.apiToken), (token) => Redacted.make(token)),
    allowAnonymous: yield* required(definitions.allowAnonymous),
    corsOrigins: splitList(Option.getOrElse(yield* optional(definitions.corsOrigins), () => "")),
    maxUploadMegabytes: yield* required(definitions.maxUploadMegabytes),
    trustedProxies: splitList(Option.getOrElse(yield* optional(definitions.trustedProxies), () => "")),
    rateLimit: yield* required(definitions.rateLimit),
    traceEndpoint: yield* optional(definitions.traceEndpoint),
    predictors: Option.getOrElse(yield* optional(definitions.predictors), () => Math.min(4, availableParallelism())),
    modelCache: Option.getOrElse(yield* optional(definitions.modelCache), userCache),
    databaseUrl: Option.map(yield* optional(definitions.databaseUrl), (url) => Redacted.make(url)),
    minNewSamples: yield* required(definitions.minNewSamples),
    watchInterval: yield* required(definitions.watchInterval),
    alarmsPerHour: yield* required(definitions.alarmsPerHour),
    scanLanded: yield* required(definitions.scanLanded),
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

const everyDefinition: ReadonlyArray<Definition<unknown>> = Object.values(definitions)

/** Everything for which the settings would be refused, a sentence each. */
export const refusedSettings = Effect.fn("Settings.refused")(function* () {
  const [, refused] = yield* Effect.partition(everyDefinition, (definition) => optional(definition))
  if (refused.length > 0) return refused
  // What only shows of several together.
  return yield* Effect.match(readSettings(), { onFailure: (error) => [error], onSuccess: () => [] })
})

/** This process's environment for one that it starts, without the token that guards the service. */
export const childEnvironment = (): NodeJS.ProcessEnv => {
  const { [definitions.apiToken.name]: _, ...environment } = process.env
  return environment
}
