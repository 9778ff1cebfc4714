import { Effect, Option, Schema } from "effect"
import { FURTHER_NAMES, PRECISION_NAMES } from "../../config/forms.ts"
import { Settings } from "../../config/settings.ts"

/** The settings that a run brings along, so that every worker does as the machine that started it would. */
export const RunSettings = Schema.Struct({
  clipMaxSeconds: Schema.Number,
  maxSkipped: Schema.Number,
  maxRecordingMegabytes: Schema.Number,
  gateTolerance: Schema.Number,
  gateClassTolerance: Schema.Number,
  /** Absent in runs from before. */
  annotationColumn: Schema.optionalKey(Schema.NullOr(Schema.String)),
  annotationsComplete: Schema.optionalKey(Schema.Boolean),
  allowNewClasses: Schema.optionalKey(Schema.Boolean),
  variants: Schema.optionalKey(Schema.Array(Schema.Literals(FURTHER_NAMES))),
  /** Of the vectors that it asks for: a worker's engine has its own, so one that has another refuses. */
  precision: Schema.optionalKey(Schema.Literals(PRECISION_NAMES)),
  fieldMinutes: Schema.Number,
  /** The source of the regular expression, and its flags. */
  groupPattern: Schema.NullOr(Schema.Struct({ source: Schema.String, flags: Schema.String }))
})
export type RunSettings = typeof RunSettings.Type

/** The settings of this process, with what the run brings along. */
export const withRunSettings = ({ groupPattern, annotationColumn, precision: _, ...own }: RunSettings) =>
  Effect.updateService(Settings, (settings) => ({
    ...settings,
    ...own,
    annotationColumn: annotationColumn === undefined ? settings.annotationColumn : Option.fromNullOr(annotationColumn),
    groupPattern: Option.map(Option.fromNullOr(groupPattern), ({ source, flags }) => new RegExp(source, flags))
  }))

/** What a run takes along of the settings here. */
export const runSettings = (settings: Settings["Service"]): RunSettings => ({
  clipMaxSeconds: settings.clipMaxSeconds,
  maxSkipped: settings.maxSkipped,
  maxRecordingMegabytes: settings.maxRecordingMegabytes,
  gateTolerance: settings.gateTolerance,
  gateClassTolerance: settings.gateClassTolerance,
  annotationColumn: Option.getOrNull(settings.annotationColumn),
  annotationsComplete: settings.annotationsComplete,
  allowNewClasses: settings.allowNewClasses,
  variants: settings.variants,
  precision: settings.precision,
  fieldMinutes: settings.fieldMinutes,
  groupPattern: Option.getOrNull(Option.map(settings.groupPattern, ({ source, flags }) => ({ source, flags })))
})
