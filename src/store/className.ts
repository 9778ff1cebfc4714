const PLAIN = /^[a-z0-9][a-z0-9_-]{0,63}$/
/** Windows keeps these names for devices, so that no folder there can have them. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/

/** What recordings are called that have no class yet: an upload of it waits to be labelled, and is not trained on. */
export const UNKNOWN = "unknown"

/** Whether a new class may have this name. It becomes a folder's, on any system, and part of addresses and pages. */
export const isClassName = (name: string): boolean => PLAIN.test(name) && !RESERVED.test(name) && name !== UNKNOWN

/** What a client is told whose class has another name. */
export const CLASS_NAME_RULE =
  "A class's name is 1 to 64 lower-case letters, digits, _ and -, begins with a letter or digit, and is neither unknown " +
  "nor a name that Windows keeps, such as con."
