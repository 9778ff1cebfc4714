import { Effect, Option, Schema } from "effect"
import { openWindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import type { Lasting } from "../../classifier/events/confirmed.ts"
import { FIELD_MODEL } from "../../classifier/export/artifacts.ts"
import { decodeKeptWindows, KEPT_WINDOWS_FILE, type KeptWindows } from "../../classifier/site/keptWindows.ts"
import { type AlarmRate, UNMEASURED_THRESHOLD } from "../../config/alarmRates.ts"
import { Settings } from "../../config/settings.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { embedderOf, precisionOf } from "../../embeddings/recipe.ts"
import type { CodedVectors } from "../../embeddings/scans/coding.ts"
import { type ScanRecipe, sizesOf } from "../../embeddings/scans/scanRecipe.ts"
import {
  findStored,
  METADATA_FILE,
  readVersionDocument,
  VersionError,
  VersionRecipe,
  versionReader
} from "../../registry/versionFiles.ts"
import { decodeDocument } from "../../store/documents.ts"
import { versionKey } from "../../store/keys.ts"

/** Windows that are scored together: always so many, and each always in the same place, so that scores are the same bits. */
export const SCORED_WINDOWS = 256

/** A model that was trained on windows, where a version has one; else its model of clips hears each window as a clip. */
const FILES = [FIELD_MODEL, "classifier.onnx"] as const
const NAMES_FILE = "class_names.json"

const ClassNames = Schema.Array(Schema.String)
/** Seconds; of more the version is damaged, for mixtures have no such events. */
const Lasts = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 300 }))
const Metadata = Schema.Struct({
  ...VersionRecipe.fields,
  // Absent in versions of before, and where clips' classifier hears windows.
  windows: Schema.optionalKey(Schema.Struct({ lasting: Schema.Record(Schema.String, Lasts) })),
  field: Schema.optionalKey(
    Schema.Struct({
      false_alarms_per_hour: Schema.Array(Schema.Finite),
      hours: Schema.optionalKey(Schema.Finite),
      classes: Schema.Record(
        Schema.String,
        // Absent in versions of before.
        Schema.Struct({
          events: Schema.optionalKey(Schema.Int),
          thresholds: Schema.optionalKey(Schema.Array(Schema.Struct({ high: Schema.Finite })))
        })
      )
    })
  )
})

/** A version that scores windows. */
export interface WindowModel {
  readonly runId: string
  readonly classes: ReadonlyArray<string>
  /**
   * For false alarms an hour, the probability from which each class is told for no more than that, by what it
   * heard when it was tested in the field. Of the interval the high end: a few sources make most false alarms, and another
   * place may have more of them. Of a silent class at least that of one that was not tested.
   */
  readonly thresholds: Partial<Record<AlarmRate, Readonly<Record<string, number>>>>
  /** What that test had: hours of sound, and of each class so many events. Absent in versions that do not tell. */
  readonly test?: { readonly hours: number; readonly events: Readonly<Record<string, number>> }
  /** Classes of which nothing was there to be found in that test. */
  readonly silent: ReadonlyArray<string>
  /** Any number of windows, of at least `inputs` numbers, to probabilities [count * classes]. */
  readonly score: (windows: CodedVectors) => Effect.Effect<Float32Array, VersionError>
  /** Numbers of a window that it takes, the first ones. */
  readonly inputs: number
  /** What it learns sites by, where it can. */
  readonly kept?: KeptWindows | undefined
  /** How long its classes' events last, where it tells. */
  readonly lasting?: Lasting | undefined
}

/**
 * Opens a version for windows of this recipe; fails where it is none, is damaged or takes another embedder's vectors, and
 * says where it was trained on vectors of another precision.
 *
 * @param learns Whether it will learn sites: what it learns them by, some megabytes, is read for that alone.
 */
export const openWindowModel = Effect.fn("openWindowModel")(function* (
  runId: string,
  recipe: ScanRecipe,
  learns = true
) {
  const { learnSites } = yield* Settings
  const damaged = (why = "is damaged") => new VersionError({ runId, message: `The version ${runId} ${why}.` })
  const version = yield* findStored(runId)
  if (version.files.size === 0) return yield* damaged("does not exist: bun run models list shows those that do")
  const read = yield* versionReader(version)
  const need = <A, E, R>(found: Effect.Effect<Option.Option<A>, E, R>) =>
    Effect.flatMap(found, (it) => (Option.isSome(it) ? Effect.succeed(it.value) : Effect.fail(damaged())))
  const metadata = yield* need(readVersionDocument(runId, METADATA_FILE, Metadata))
  const own = embedderOf(metadata.recipe)
  const { embedder, weights } = recipe.parts
  if (own.id !== embedder.id || metadata.recipe.parts.weights !== weights) {
    return yield* damaged(
      `was trained on vectors of another embedder than ${embedder.id} with the present weights: set EMBEDDER to that one`
    )
  }
  const [trained, heard] = [precisionOf(metadata.recipe), precisionOf(recipe)]
  if (trained !== heard) {
    yield* Effect.logWarning(
      `The version ${runId} was trained and tested on vectors in ${trained}, and hears windows in ${heard}: set PRECISION=${trained}, or train one in ${heard}.`
    )
  }
  const names = yield* need(read(NAMES_FILE))
  const classes = yield* Effect.mapError(decodeDocument(versionKey(runId, NAMES_FILE), ClassNames, names), () =>
    damaged()
  )
  const file = FILES.find((name) => version.files.has(name)) ?? FILES[1]
  const model = yield* need(read(file))
  const opened = yield* openWindowClassifier(model, classes, sizesOf(recipe)).pipe(Effect.mapError(() => damaged()))
  if (opened.inputs > rowSize(recipe.parts.embedder)) {
    return yield* damaged(
      `takes more vectors of a window than ${embedder.id} gives here: a later version of this program made it`
    )
  }
  const score = (windows: CodedVectors) =>
    Effect.mapError(opened.score(windows), () => damaged("cannot be run on windows"))
  const kept = learns && learnSites && file === FIELD_MODEL ? yield* keptIn(runId, read) : undefined
  const silent = Object.entries(metadata.field?.classes ?? {}).flatMap(([name, { events }]) =>
    events === 0 ? [name] : []
  )
  return {
    runId,
    classes,
    thresholds: thresholdsIn(metadata),
    silent,
    score,
    inputs: opened.inputs,
    kept,
    lasting: file === FIELD_MODEL ? metadata.windows?.lasting : undefined,
    ...testIn(metadata)
  } satisfies WindowModel
})

/** A version without them tells events as it hears them. */
const keptIn = <E, R>(runId: string, read: (file: string) => Effect.Effect<Option.Option<Uint8Array>, E, R>) =>
  read(KEPT_WINDOWS_FILE).pipe(
    Effect.flatMap((bytes) => (Option.isNone(bytes) ? Effect.succeed(undefined) : decodeKeptWindows(bytes.value))),
    Effect.catchTag("KeptWindowsError", () =>
      Effect.as(Effect.logWarning(`${KEPT_WINDOWS_FILE} of ${runId} is damaged: its scans learn no sites.`), undefined)
    )
  )

const thresholdsIn = ({ field }: typeof Metadata.Type): WindowModel["thresholds"] =>
  Object.fromEntries(
    (field?.false_alarms_per_hour ?? []).map((rate, at) => [
      rate,
      Object.fromEntries(
        Object.entries(field!.classes).flatMap(([name, { events, thresholds }]) => {
          const high = thresholds?.[at]?.high
          if (high === undefined) return []
          return [[name, events === 0 ? Math.max(UNMEASURED_THRESHOLD, high) : high]]
        })
      )
    ])
  )

const testIn = ({ field }: typeof Metadata.Type): Pick<WindowModel, "test"> => {
  if (field?.hours === undefined) return {}
  const events = Object.entries(field.classes).flatMap(([name, own]) =>
    own.events === undefined ? [] : [[name, own.events] as const]
  )
  return { test: { hours: field.hours, events: Object.fromEntries(events) } }
}

/** Room for windows that are scored together. */
export const emptyBlock = (sizes: ReadonlyArray<number>, count = SCORED_WINDOWS): CodedVectors => {
  const size = sizes.reduce((sum, own) => sum + own, 0)
  return {
    count,
    codes: new Uint8Array(count * size),
    ranges: new Float32Array(count * sizes.length * 2)
  }
}
