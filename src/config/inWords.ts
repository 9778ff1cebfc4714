/** How long sound is, in the unit in which it is a handy number: `22.0 seconds`, `12.5 minutes`, `2.3 hours`. */
export const lengthInWords = (hours: number): string => {
  const [minutes, seconds] = [60 * hours, 3600 * hours]
  if (minutes < 2) return `${seconds.toFixed(1)} seconds`
  return hours < 2 ? `${minutes.toFixed(1)} minutes` : `${hours.toFixed(1)} hours`
}

/** `1 recording`, `2,000 recordings`. */
export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : more}`

/** Names that a sentence has room for; of the others it says how many. */
const NAMED = 3

/** `a, b, c and 97 more`. */
export const namedFew = (names: ReadonlyArray<string>, most = NAMED): string => {
  const more = names.length - most
  return `${names.slice(0, most).join(", ")}${more > 0 ? ` and ${more.toLocaleString("en")} more` : ""}`
}

/** Sites by name, the first of them where they are many. */
export const sitesInWords = (sites: ReadonlyArray<string>): string =>
  namedFew(sites.map((site) => (site === "" ? "what lies in no site's folder" : site)))

/** Of what there is to choose from, a sentence names more. */
const OFFERED = 5

/** `there are a, b`, the first of them where they are many. */
export const whatThereIs = (names: ReadonlyArray<string>): string => {
  if (names.length === 0) return "there is none yet"
  return `${names.length === 1 ? "there is" : "there are"} ${namedFew(names, OFFERED)}`
}

/** What became of the recordings from one version to another, in a sentence. */
export const recordingsInWords = ({
  added,
  removed,
  moved,
  changed,
  same
}: Readonly<Record<"added" | "removed" | "moved" | "changed" | "same", number>>): string => {
  const elsewhere = moved > 0 ? `${moved} moved to another name or class, ` : ""
  return `Recordings: ${added} added, ${removed} removed, ${elsewhere}${changed} changed, ${same} the same.`
}
