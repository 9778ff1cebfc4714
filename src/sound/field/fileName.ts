import { findTime, type WallClock } from "./wallClock.ts"

/** What a recorder's file name says. */
export interface NameFacts {
  readonly start?: WallClock
  /** What stands in front of the time: the recorder's serial number, or what its owner calls it. */
  readonly recorder?: string
  readonly latitude?: number
  readonly longitude?: number
}

/** Which channels a Song Meter recorded: "_0+1_", "_-0-_", "_1_" behind its name, SM3's "_000" before the time. */
const CHANNELS = /[_ -]+(?:[01]\+[01]|-?[01]-?|\+1)(?:_[0-9]{1,3})?$/
const DEGREES = /([+-]?\d{1,3}\.\d+)[ ,_]*([+-]?\d{1,3}\.\d+)/

/** Degrees as Frontier Labs writes them: "[-27.3866 152.8761]", "_-18.2656+144.5564". */
const placeOf = (text: string): Pick<NameFacts, "latitude" | "longitude"> => {
  const match = DEGREES.exec(text)
  if (match === null) return {}
  const [latitude, longitude] = [Number(match[1]), Number(match[2])]
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : {}
}

/** Years in which an AudioMoth may have been switched on: other names of eight hex digits are no times. */
const HEX_FROM = Date.UTC(2017, 0)
const HEX_TO = Date.UTC(2038, 0)

/**
 * Reads the name of a recorder's file, without its folders: AudioMoth (of any age: "20250612_050000T.WAV",
 * "24F3190361DA3578_20250612_050000.WAV", "5A1B2C3D.WAV"), Song Meters ("S4A00001_20250612_050000.wav",
 * "SITE_0+1_20250612_050000.wav", "SITE_0+1_20250612$050000.wav"), Frontier Labs ("20250612T050000+1000_REC [-27.38
 * 152.87].flac"), Swift ("SwiftOne_20250612_050000_-0400.wav"), and whatever else has a date and a time in it.
 */
export const readFileName = (name: string): NameFacts => {
  const stem = name.replace(/\.[a-z0-9]{1,5}$/i, "")
  const hex = /^(?:([0-9A-F]{16})_)?([0-9A-F]{8})T?$/.exec(stem)
  if (hex !== null && !/^(19|20)\d{6}$/.test(hex[2]!)) {
    const shown = 1000 * Number.parseInt(hex[2]!, 16)
    if (shown < HEX_FROM || shown >= HEX_TO) return {}
    return { start: { shown, offset: 0 }, ...(hex[1] !== undefined && { recorder: hex[1] }) }
  }
  const time = findTime(stem)
  if (time === undefined) return {}
  const { at, end, ...start } = time
  const recorder = stem
    .slice(0, at)
    .replace(/[_ -]+$/, "")
    .replace(CHANNELS, "")
    .replace(/^S$/, "")
  return { start, ...(recorder !== "" && { recorder }), ...placeOf(stem.slice(end)) }
}
