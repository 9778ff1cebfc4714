import { Cause, Logger } from "effect"
import { withoutCredentials } from "../config/forms.ts"

/** A text that others wrote, in one line: without line breaks, a terminal's escape codes, and what turns writing around. */
export const oneLine = (text: string): string =>
  text.replaceAll(/ ?[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+ ?/gu, " ").trim()

/** Beginnings of lines are the log's own: what a defect says in several is set in. */
const indented = (text: string): string => text.split(/\r?\n/).map(oneLine).join("\n    ")

/** Where a failure arose helps nobody who reads its sentence; where a defect did is all that there is to know of it. */
const told = (cause: Cause.Cause<unknown>): string =>
  Cause.hasDies(cause)
    ? indented(Cause.pretty(cause))
    : oneLine(
        Cause.prettyErrors(cause)
          .map(({ message }) => message)
          .join(" ")
      )

const safe = (part: unknown): unknown => {
  if (typeof part === "string") return withoutCredentials(oneLine(part))
  if (Cause.isCause(part)) return withoutCredentials(told(part))
  return part
}

/** The service's log: whatever clients, files and servers are called, a message is one line, and tells no password. */
export const serviceLog = Logger.layer([
  Logger.make(({ message, cause, ...options }) => {
    const parts = (Array.isArray(message) ? message : [message]).map(safe)
    // Effect tells a cause with all of its traces.
    const reason = cause.reasons.length > 0 ? [safe(cause)] : []
    return Logger.defaultLogger.log({ ...options, cause: Cause.empty, message: [...parts, ...reason] })
  }),
  Logger.tracerLogger
])
