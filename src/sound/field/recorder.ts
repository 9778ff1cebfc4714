import { Effect } from "effect"
import { readAudioMothComment } from "./audioMoth.ts"
import type { Fields } from "./fields.ts"
import { type NameFacts, readFileName } from "./fileName.ts"
import { type Headers, readHeaders } from "./headers.ts"
import type { ReadRange } from "./readRange.ts"
import { findTime, formatClock, instantOf, type WallClock } from "./wallClock.ts"

/** What a recorder says about a recording, in its file's name and in its header; absent where neither says it. */
export interface RecorderFacts {
  /** The recorder's serial number, or the name that its owner gave it. */
  readonly recorder?: string
  readonly model?: string
  readonly firmware?: string
  /** When the recording began, by the recorder's clock. */
  readonly start?: WallClock
  /** In degrees Celsius: of the air if that was measured, else within the recorder. */
  readonly temperature?: number
  /** Its battery, in volts, and in percent of a full one. */
  readonly battery?: number
  readonly batteryPercent?: number
  readonly gain?: string
  /** In degrees, WGS84. */
  readonly latitude?: number
  readonly longitude?: number
  /** What does not go together, and what went wrong in the field: a sentence each. */
  readonly noted: ReadonlyArray<string>
}

type Facts = Omit<RecorderFacts, "noted">

/** Without what is undefined, or no number. */
const known = <A extends object>(facts: { readonly [K in keyof A]: A[K] | undefined }): A =>
  Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== undefined && value !== "" && !Number.isNaN(value))
  ) as A

/** The first number in a text: "12.3C", "80.2%RH". */
const numberIn = (text: string | undefined): number | undefined => {
  const match = text === undefined ? null : /[-+]?\d+(?:\.\d+)?/.exec(text)
  return match === null ? undefined : Number(match[0])
}

const clockIn = (text: string | undefined): WallClock | undefined => {
  const found = text === undefined ? undefined : findTime(text)
  return found && known<WallClock>({ shown: found.shown, offset: found.offset })
}

/** Two numbers with a point: latitude and longitude, negative where S or W follows. */
const placeIn = (text: string | undefined): Pick<Facts, "latitude" | "longitude"> => {
  const numbers = text?.match(/[+-]?\d{1,3}\.\d+(?:,[NSEW])?/g) ?? []
  const [latitude, longitude] = numbers.map((it) => Number.parseFloat(it) * (/[SW]$/.test(it) ? -1 : 1))
  return longitude === undefined ? {} : { latitude: latitude!, longitude }
}

/** The value of the first field whose name ends so, in whatever namespace. */
const field = (fields: Fields, ...endings: ReadonlyArray<string>): string | undefined => {
  for (const ending of endings) {
    const name = Object.keys(fields).find((it) => it.toLowerCase().endsWith(ending.toLowerCase()))
    if (name !== undefined) return fields[name]
  }
  return undefined
}

const ofGuano = (fields: Fields): Facts =>
  known<Facts>({
    start: clockIn(fields.Timestamp),
    recorder: field(fields, "Serial", "Serial Number", "Device ID", "Prefix"),
    model: [fields.Make, fields.Model].filter((it) => it !== undefined).join(" "),
    firmware: field(fields, "Firmware Version", "Firmware"),
    temperature: numberIn(field(fields, "Temperature Ext", "Temperature Int", "Temperature")),
    battery: numberIn(field(fields, "Battery Voltage", "Battery")),
    gain: field(fields, "Gain"),
    ...placeIn(fields["Loc Position"])
  })

const ofWamd = (fields: Fields): Facts =>
  known<Facts>({
    start: clockIn(fields.start),
    recorder: fields.serial ?? fields.name,
    model: fields.model,
    firmware: fields.firmware,
    temperature: numberIn(fields["external temperature"] ?? fields["internal temperature"]),
    ...placeIn(fields.position ?? fields["last position"])
  })

const ofAudioMoth = (comment: string): { readonly facts: Facts; readonly noted: ReadonlyArray<string> } => {
  const found = readAudioMothComment(comment)
  if (found === undefined) return { facts: {}, noted: [] }
  const { deployment, recorder, stopped, ...facts } = found
  return {
    facts: known<Facts>({ ...facts, recorder: recorder ?? deployment, model: "AudioMoth" }),
    noted: stopped === undefined ? [] : [`Its recorder says that it stopped early: ${stopped}.`]
  }
}

/** What comments under names of their own say: those of Frontier Labs' recorders, and the usual ones. */
const ofComments = (fields: Fields): Facts => {
  const level = fields.BatteryLevel
  const percent = /(\d+(?:\.\d+)?)\s*%/.exec(level ?? "")?.[1]
  const volts = /(\d+(?:\.\d+)?)\s*V/i.exec(level ?? "")?.[1]
  return known<Facts>({
    start: clockIn(fields.RecordingStart ?? fields.TDRC ?? fields.DATE ?? fields.date),
    recorder: fields.SensorUid,
    model: fields.SensorUid === undefined ? undefined : "Frontier Labs",
    firmware: fields.SensorFirmwareVersion?.replace(/^\s*(?:Firmware:\s*)?V?/, "").trim(),
    battery: volts === undefined ? undefined : Number(volts),
    batteryPercent: percent === undefined ? undefined : Number(percent),
    gain: fields.ChannelGain,
    ...placeIn(fields.SensorLocation)
  })
}

const ofBext = (fields: Fields): Facts => known<Facts>({ start: clockIn(fields.start), model: fields.originator })

/** Minutes by which clocks may differ and still be told as one: names are cut to the second, some headers to the minute. */
const SAME_SECONDS = 60

/**
 * When a recording began. The header's clock is believed before the name's, since names are changed by people and
 * programs; the name helps out with the offset from UTC, where both show the same.
 */
const startOf = (header: WallClock | undefined, name: WallClock | undefined) => {
  if (header === undefined || name === undefined) return { start: header ?? name, noted: [] }
  const isNear = (a: number, b: number) => Math.abs(a - b) <= 1000 * SAME_SECONDS
  if (isNear(header.shown, name.shown)) return { start: { ...name, ...header }, noted: [] }
  // Older AudioMoths name their files by UTC, and show local time in the comment.
  if (header.offset !== undefined && isNear(instantOf(header), instantOf(name))) return { start: header, noted: [] }
  return {
    start: header,
    noted: [
      `Its name says that it began at ${formatClock(name)}, its header at ${formatClock(header)}, which is believed.`
    ]
  }
}

/** Puts together what the name and the header say. */
export const recorderFacts = (key: string, headers: Headers): RecorderFacts => {
  const name: NameFacts = readFileName(key.slice(key.lastIndexOf("/") + 1))
  const { info = {}, guano = {}, wamd = {}, bext = {}, comments = {}, id3 = {} } = headers
  const audioMoth = ofAudioMoth(info.ICMT ?? comments.comment ?? comments.COMMENT ?? id3.COMM ?? "")
  // From what is told least to what is told best.
  const facts: Facts = {
    ...ofBext(bext),
    ...ofComments({ ...id3, ...comments }),
    ...ofWamd(wamd),
    ...ofGuano(guano),
    ...audioMoth.facts
  }
  const { start, noted } = startOf(facts.start, name.start)
  return {
    ...known<Facts>({ latitude: name.latitude, longitude: name.longitude, recorder: name.recorder }),
    ...facts,
    ...known<Pick<RecorderFacts, "start">>({ start }),
    noted: [...noted, ...audioMoth.noted]
  }
}

/** Reads what a recorder says about the recording under a key, of so many bytes: no more than its header. */
export const readRecorder = Effect.fn("readRecorder")(function* <E, R>(
  read: ReadRange<E, R>,
  { key, size }: { readonly key: string; readonly size: number }
) {
  return recorderFacts(key, yield* readHeaders(read, size))
})
