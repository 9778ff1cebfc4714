const PLAIN = /^[a-z0-9][a-z0-9_-]{0,63}$/
/** Windows keeps these names for devices, so that no folder there can have them. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/

/** What recordings are called that have no class yet: an upload of it waits to be labelled, and is not trained on. */
export const UNKNOWN = "unknown"

/** Whether a new class may have this name. It becomes a folder's, on any system, and part of addresses and pages. */
export const isClassName = (name: string): boolean => PLAIN.test(name) && !RESERVED.test(name) && name !== UNKNOWN

/**
 * Whether a class's folder may be called so that somebody made by hand: of another name than `isClassName` gives a new one,
 * but neither hidden, nor a path, nor without anything to read.
 */
export const isFolderName = (name: string): boolean =>
  !name.startsWith(".") && !/[/\\]/.test(name) && /[\p{L}\p{N}]/u.test(name)

/** What a record has for a class, whatever that is called: `constructor` is a class's name, too. */
export const ofClass = <A>(record: Readonly<Record<string, A>>, name: string): A | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

/** What a client is told whose class has another name. */
export const CLASS_NAME_RULE =
  "A class's name is 1 to 64 lower-case letters, digits, _ and -, begins with a letter or digit, and is neither unknown " +
  "(an upload without a class waits under that name to be labelled) nor a name that Windows keeps, such as con."

/** Names that people give to what is none of the sounds they look for. */
const BACKGROUND_NAME = /^(clips|background|ambient|ambience|noise|negative|none|nothing|other|silence)s?$/i

/** What it is called where no class is: as in EcoSight. */
export const BACKGROUND = "clips"

/** The class whose name says that it is the background. */
export const backgroundOf = (classes: ReadonlyArray<string>): string | undefined =>
  classes.find((name) => BACKGROUND_NAME.test(name.replace(/^.*[_\- ](?=(noise|sounds?)$)/i, "")))
