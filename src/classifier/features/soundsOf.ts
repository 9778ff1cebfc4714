/** Words after which a name says what a class is not. */
const DENIALS: ReadonlySet<string> = new Set(["no", "non", "not", "without", "except"])

/**
 * The numbers of the sounds that a class is named by, once each: "dog_howl" is of `dog` and `howl`, "Gun shots" of `gunshot`.
 * Words count whole, two of them as one where that is a sound, whatever stands between them, and without a plural's s. A name
 * that denies something is of none.
 *
 * @param sounds Numbers by a word for the sound: lower case, singular, without spaces.
 */
export const soundsOf = (
  className: string,
  sounds: Readonly<Record<string, ReadonlyArray<number>>>
): ReadonlyArray<number> => {
  const words = className
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}]+/u)
  if (words.some((word) => DENIALS.has(word))) return []
  const numbers = new Set<number>()
  for (let at = 0; at < words.length; at++) {
    const [word, next] = [words[at]!, words[at + 1]]
    const both = next === undefined ? undefined : named(sounds, word + next)
    if (both !== undefined) at++
    for (const number of both ?? named(sounds, word) ?? []) numbers.add(number)
  }
  return [...numbers]
}

const named = (sounds: Readonly<Record<string, ReadonlyArray<number>>>, word: string) =>
  known(sounds, word) ?? known(sounds, singular(word))

const known = (sounds: Readonly<Record<string, ReadonlyArray<number>>>, word: string) =>
  Object.hasOwn(sounds, word) ? sounds[word] : undefined

const singular = (word: string): string => word.replace(/s$/, "")
