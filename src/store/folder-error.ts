import { Predicate } from "effect"
import { StoreError } from "./store.ts"

/** The code of a system error; empty for anything else. */
export const codeOf = (thrown: unknown): string =>
  Predicate.hasProperty(thrown, "code") && typeof thrown.code === "string" ? thrown.code : ""

/** What neither a file nor a folder is: opening it may wait for ever, or never end. */
export class Special extends Error {}

/** Fails for a pipe, a socket or a device. */
export const refuseSpecial = (stats: {
  readonly isFIFO: () => boolean
  readonly isSocket: () => boolean
  readonly isFile: () => boolean
  readonly isDirectory: () => boolean
}): void => {
  if (stats.isFile() || stats.isDirectory()) return
  const kind = stats.isFIFO() ? "a named pipe" : stats.isSocket() ? "a socket" : "a device"
  throw new Special(`it is ${kind}, and no file`)
}

const FULL = "the disk is full: make room on it"

/** A handler for what may be absent: a file, a folder on the way to it, or what a link points to. */
export const ignoreAbsence = (thrown: unknown): undefined => {
  if (!/^(ENOENT|ENOTDIR|ELOOP)$/.test(codeOf(thrown))) throw thrown
}

/** Turns what the file system threw into one sentence; `done` completes "cannot be". */
export const explain =
  (key: string, path: string, done: "listed" | "read" | "written" | "removed") =>
  (thrown: unknown): StoreError => {
    const code = codeOf(thrown)
    const absent = new StoreError({ reason: "missing", key, message: `${path} does not exist.` })
    const cannot = (reason: StoreError["reason"], why: string) =>
      new StoreError({ reason, key, message: `${path} cannot be ${done}: ${why}.` })
    if (thrown instanceof Special) return cannot("invalid", thrown.message)
    // SQLite's, of the lock, where the folder around it may not be written: READONLY_DIRECTORY, say.
    if (code.startsWith("SQLITE_READONLY")) return cannot("denied", "this user may not do that")
    switch (code) {
      case "ENOENT":
        return absent
      case "ENOTDIR":
      case "EEXIST":
        return done === "written" ? cannot("invalid", "a folder on the way to it is a file") : absent
      case "EISDIR":
        return cannot(done === "written" ? "invalid" : "missing", "it is a folder")
      case "ENAMETOOLONG":
        return cannot("invalid", "its name is too long for this file system")
      case "ELOOP":
        return cannot("missing", "it is a link that leads to itself")
      case "EACCES":
      case "EPERM":
        return cannot("denied", "this user may not do that")
      case "EROFS":
        return cannot("denied", "the disk is read-only")
      case "ENOSPC":
      case "EDQUOT":
      case "SQLITE_FULL":
        return cannot("full", FULL)
      default:
        return cannot("unreachable", thrown instanceof Error ? thrown.message : String(thrown))
    }
  }
