import { text, view } from "../decode/container.ts"

/** What a header says under names of its own. */
export type Fields = Readonly<Record<string, string>>

const utf8 = new TextDecoder()

/** Text up to its first zero byte, trimmed. */
const textOf = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0)
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end)).trim()
}

/** GUANO: lines of a name, a colon and a value. */
export const readGuano = (content: Uint8Array): Fields => {
  const fields: Record<string, string> = {}
  for (const line of utf8.decode(content).split("\n")) {
    const colon = line.indexOf(":")
    const [name, value] = [
      line.slice(0, colon).trim(),
      line
        .slice(colon + 1)
        .replaceAll("\0", "")
        .trim()
    ]
    if (colon > 0 && value !== "") fields[name] = value
  }
  return fields
}

/** Wildlife Acoustics' items that matter here, by their numbers. */
const WAMD: Readonly<Record<number, string>> = {
  1: "model",
  2: "serial",
  3: "firmware",
  4: "name",
  5: "start",
  6: "position",
  10: "notes",
  18: "microphone",
  19: "sensitivity",
  20: "last position",
  21: "internal temperature",
  22: "external temperature",
  23: "humidity",
  24: "light"
}

/** WAMD, Wildlife Acoustics' chunk: items of a number, a length and content, the first of which is the version, 1. */
export const readWamd = (content: Uint8Array): Fields => {
  const fields: Record<string, string> = {}
  const data = view(content)
  for (let at = 0; at + 6 <= content.length; ) {
    const id = data.getUint16(at, true)
    const size = data.getUint32(at + 2, true)
    const value = content.subarray(at + 6, at + 6 + size)
    if (id === 0 && (size < 2 || view(value).getUint16(0, true) !== 1)) return {}
    const name = WAMD[id]
    if (name !== undefined && textOf(value) !== "") fields[name] = textOf(value)
    at += 6 + size
  }
  return fields
}

/** A LIST chunk of kind INFO: items of four letters. */
export const readInfo = (content: Uint8Array): Fields => {
  const fields: Record<string, string> = {}
  if (text(content, 0, 4) !== "INFO") return fields
  const data = view(content)
  for (let at = 4; at + 8 <= content.length; ) {
    const size = data.getUint32(at + 4, true)
    const value = textOf(content.subarray(at + 8, at + 8 + size))
    if (value !== "") fields[text(content, at, 4)] = value
    at += 8 + size + (size % 2)
  }
  return fields
}

/** The Broadcast Wave chunk: who made it, and the date and time of its start. */
export const readBext = (content: Uint8Array): Fields => {
  if (content.length < 338) return {}
  const fields = {
    description: textOf(content.subarray(0, 256)),
    originator: textOf(content.subarray(256, 288)),
    start: `${textOf(content.subarray(320, 330))} ${textOf(content.subarray(330, 338))}`.trim()
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""))
}

/** Vorbis comments, as FLAC and Ogg files have them: a vendor, then names and values. */
export const readComments = (content: Uint8Array): Fields => {
  const fields: Record<string, string> = {}
  const data = view(content)
  const next = (at: number): number => (at + 4 <= content.length ? data.getUint32(at, true) : content.length)
  let at = 4 + next(0)
  const count = next(at)
  at += 4
  for (let i = 0; i < count && at + 4 <= content.length; i++) {
    const line = textOf(content.subarray(at + 4, at + 4 + next(at)))
    const equals = line.indexOf("=")
    if (equals > 0) fields[line.slice(0, equals)] = line.slice(equals + 1).trim()
    at += 4 + next(at)
  }
  return fields
}

const decoders = ["latin1", "utf-16", "utf-16be", "utf-8"] as const

/** The text of an ID3 frame, whose first byte says how it is coded; values behind each other are separated by a zero. */
const id3Text = (content: Uint8Array): ReadonlyArray<string> =>
  new TextDecoder(decoders[content[0] ?? 3] ?? "utf-8")
    .decode(content.subarray(1))
    .split("\0")
    .map((value) => value.replace(/^\ufeff/, "").trim())

/** ID3 of version 2.3 or 2.4: frames of text by their name, those of a user's own (TXXX) by theirs, and the comment. */
export const readId3 = (bytes: Uint8Array): Fields => {
  const fields: Record<string, string> = {}
  const version = bytes[3] ?? 0
  if (text(bytes, 0, 3) !== "ID3" || version < 3 || version > 4) return fields
  const synchsafe = (at: number) => (bytes[at]! << 21) | (bytes[at + 1]! << 14) | (bytes[at + 2]! << 7) | bytes[at + 3]!
  const end = Math.min(bytes.length, 10 + synchsafe(6))
  for (let at = 10; at + 10 <= end && bytes[at] !== 0; ) {
    const name = text(bytes, at, 4)
    const size = version === 4 ? synchsafe(at + 4) : view(bytes).getUint32(at + 4)
    const content = bytes.subarray(at + 10, at + 10 + size)
    if (name === "COMM") fields.COMM = id3Text(Uint8Array.of(content[0] ?? 3, ...content.subarray(4))).at(-1) ?? ""
    else if (name === "TXXX") {
      const [key = "", ...values] = id3Text(content)
      fields[key] = values.join(" ").trim()
    } else if (name.startsWith("T"))
      fields[name] = id3Text(content)
        .filter((value) => value !== "")
        .join(", ")
    at += 10 + size
  }
  return fields
}
