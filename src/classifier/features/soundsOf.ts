/**
 * The numbers of the sounds that a class is named by, once each: "dog_bark" is of `dog` and `bark`, "Gun shots" of `gunshot`.
 * Words count whole, alone or two in one, whatever stands between them, and without a plural's s.
 *
 * @param sounds Numbers by a word for the sound: lower case, singular, without spaces.
 */
export const soundsOf = (
  className: string,
  sounds: Readonly<Record<string, ReadonlyArray<number>>>
): ReadonlyArray<number> => {
  const words = className.toLowerCase().split(/[^\p{L}]+/u)
  const pairs = words.slice(1).map((word, at) => words[at]! + word)
  return [
    ...new Set([...words, ...pairs].flatMap((word) => known(sounds, word) ?? known(sounds, singular(word)) ?? []))
  ]
}

const known = (sounds: Readonly<Record<string, ReadonlyArray<number>>>, word: string) =>
  Object.hasOwn(sounds, word) ? sounds[word] : undefined

const singular = (word: string): string => word.replace(/s$/, "")
