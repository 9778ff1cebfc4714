import { distance } from "fastest-levenshtein"
import { settings } from "./settings.ts"

/** What an AWS SDK may be told besides, and is near to what we are told. */
const OTHERS = /^AWS_ENDPOINT_URL_/

/** How many letters may be wrong: a short name is near to many that mean something else, as HOST is to HOME. */
const nearTo = (name: string): number => (name.length < 8 ? 1 : 2)

/** Which of these variables are nearly, but not quite, named as a setting is, and as which. */
export const misspelt = (
  variables: Iterable<string>
): ReadonlyArray<{ readonly name: string; readonly meant: string }> => {
  const known = new Set(settings.map(({ name }) => name))
  return [...variables]
    .filter((name) => !known.has(name) && !OTHERS.test(name))
    .flatMap((name) => {
      const meant = [...known].find((setting) => distance(name.toUpperCase(), setting) <= nearTo(setting))
      return meant === undefined ? [] : [{ name, meant }]
    })
}
