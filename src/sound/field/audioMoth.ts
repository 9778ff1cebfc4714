import { type WallClock, wallClock } from "./wallClock.ts"

/** What the comment in an AudioMoth's WAV file says, of whichever firmware since 1.0. */
export interface AudioMothFacts {
  readonly start: WallClock
  readonly recorder?: string
  /** Named by whoever set it up, instead of its number. */
  readonly deployment?: string
  readonly gain?: string
  /** In volts; "less than" and "greater than" are left out. */
  readonly battery?: number
  /** In degrees Celsius. */
  readonly temperature?: number
  /** Why the recording ended early. */
  readonly stopped?: string
}

const RECORDED =
  /Recorded at (\d\d):(\d\d):(\d\d)(?:\.(\d{3}))? (\d\d)\/(\d\d)\/(\d{4})(?: \(UTC(?:([+-])(\d{1,2})(?::(\d\d))?)?\))?/

/** Reads a comment ("Recorded at 10:00:00 15/05/2021 (UTC+2) by AudioMoth 249BC3055C02FE06 at medium gain while battery was 4.5V and temperature was 21.1C."); undefined if it is another's. */
export const readAudioMothComment = (comment: string): AudioMothFacts | undefined => {
  const match = RECORDED.exec(comment)
  if (match === null) return undefined
  const [, hour, minute, second, milliseconds = "0", day, month, year, sign, hours = "0", minutes = "0"] = match
  const offset = (sign === "-" ? -1 : 1) * (60 * Number(hours) + Number(minutes))
  const start = wallClock([year, month, day, hour, minute, second].map(Number), Number(milliseconds), offset)
  if (start === undefined) return undefined
  const found = (pattern: RegExp): string | undefined => pattern.exec(comment)?.[1]
  const recorder = found(/by AudioMoth ([0-9A-F]{16})/)
  const deployment = found(/during deployment (\S+)/)
  const gain = found(/at gain setting (\d)/) ?? found(/at ([a-z-]+) gain/)
  const battery = found(/battery (?:state )?was (\d+\.\d+)V/)
  const temperature = found(/temperature was (-?\d+\.\d+)C/)
  const stopped = found(/Recording (?:cancelled before completion|stopped) (?:due to|by) ([^.]+)\./)
  return {
    start,
    ...(recorder !== undefined && { recorder }),
    ...(deployment !== undefined && { deployment }),
    ...(gain !== undefined && { gain }),
    ...(battery !== undefined && { battery: Number(battery) }),
    ...(temperature !== undefined && { temperature: Number(temperature) }),
    ...(stopped !== undefined && { stopped })
  }
}
