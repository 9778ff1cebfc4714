/** Settings by name; one that is undefined is to be unset. */
export type Changes = Readonly<Record<string, string | undefined>>

const PLAIN = /^[\w./:@+-]*$/

/** What means something between double quotes, to Bun or to a shell that reads the file. */
const LOUD = /["\\`]/

/**
 * As Bun and a shell read it alike, where they can: Bun knows no apostrophe within apostrophes, and takes `$NAME` for a variable's
 * value there, too. What holds a `$` and one of `LOUD` is for Bun alone.
 */
const quoted = (value: string): string => {
  const escaped = value.replaceAll("$", "\\$")
  return /['$]/.test(value) && !LOUD.test(value) ? `"${escaped}"` : `'${escaped}'`
}

/** The name that a line of a `.env` file sets. */
const nameIn = (line: string): string | undefined => /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/.exec(line)?.[1]

/** The names that the text of a `.env` file sets. */
export const namesIn = (text: string): ReadonlyArray<string> => text.split("\n").flatMap((line) => nameIn(line) ?? [])

/** The text of a `.env` file with these settings; lines of others stay as they are. */
export const withChanges = (text: string, changes: Changes): string => {
  const kept = text.split("\n").filter((line) => !Object.hasOwn(changes, nameIn(line) ?? ""))
  const body = kept.join("\n").trimEnd()
  const lines = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${PLAIN.test(value) ? value : quoted(value)}`]
  )
  return `${[...(body === "" ? [] : [body]), ...lines].join("\n")}\n`
}

/** Behind the name of what cannot be. */
export const NOT_WRITTEN = 'may hold no line breaks, and no apostrophe beside any of " \\ `.'

/** Whether a `.env` file can hold this: nothing between its quotes is read as anything else. */
export const canBeWritten = (value: string): boolean =>
  !/[\n\r]/.test(value) && !(value.includes("'") && LOUD.test(value))
