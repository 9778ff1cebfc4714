import { counted } from "../../config/inWords.ts"
import type { Dataset } from "../dataset.ts"

/** Fewer sources than this of a class say little of the next one. */
export const FEW_SOURCES = 5
/** Intervals drawn from fewer sources than this in all are themselves a guess. */
const FEW_IN_ALL = 10
/** One class having so many times the recordings of another makes accuracy a figure of the larger one. */
const UNEQUAL = 50

/** What a data set's figures are worth, whatever the classifier: a sentence for each thing that a reader should know. */
export const worthOf = ({ classes, samples, labels }: Dataset): ReadonlyArray<string> => {
  const counts = classes.map(() => ({ recordings: 0, sources: new Set<string>() }))
  const contents = new Map<bigint, Set<number>>()
  let twice = 0
  for (const [row, { variant, group, vector }] of samples.entries()) {
    if (variant !== "original") continue
    const own = counts[labels[row]!]!
    own.recordings++
    own.sources.add(group)
    const content = Bun.hash.xxHash64(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
    const known = contents.get(content) ?? new Set<number>()
    contents.set(content, known.add(labels[row]!))
    if (known.size > 1) twice++
  }
  const few = classes.flatMap((name, label) => {
    const { size } = counts[label]!.sources
    return size < FEW_SOURCES ? [`${name} (${size})`] : []
  })
  const shared = classes.filter((_, label) => [...contents.values()].some((own) => own.size > 1 && own.has(label)))
  const sizes = counts.map(({ recordings }) => recordings).filter((size) => size > 0)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  const all = new Set(counts.flatMap(({ sources }) => [...sources])).size
  return [
    ...(few.length > 0
      ? [`Few sources, so figures of these classes may change a lot with the next one: ${namesOf(few)}.`]
      : []),
    ...(all < FEW_IN_ALL
      ? [`All recordings come from ${counted(all, "source")}: figures from so few are a first guess.`]
      : []),
    ...(twice > 0
      ? [
          `The same sound lies in several classes ${twice === 1 ? "once" : `${twice} times`} (${namesOf(shared)}): ` +
            "no classifier can be right on both."
        ]
      : []),
    ...(most > UNEQUAL * least
      ? [`Classes have from ${least} to ${most} recordings: look at each class's recall, not at accuracy.`]
      : [])
  ]
}

/** The first names of a list that may be long. */
const namesOf = (names: ReadonlyArray<string>): string =>
  names.length <= MOST_NAMES
    ? names.join(", ")
    : `${names.slice(0, MOST_NAMES).join(", ")} and ${names.length - MOST_NAMES} others`

const MOST_NAMES = 12
