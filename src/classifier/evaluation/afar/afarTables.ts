import { counted } from "../../../config/inWords.ts"
import { describeFigure } from "../figureTables.ts"
import type { AfarEvaluation } from "./afarEvaluation.ts"

/** Ways of hearing by heads: a row each. */
export const afarTable = ({ heads }: AfarEvaluation): ReadonlyArray<ReadonlyArray<string>> => {
  const [{ heard }] = heads as [AfarEvaluation["heads"][0]]
  return [
    [
      "heard",
      "head",
      "macro-F1",
      "answers kept",
      ...heard[0]!.recalls.map(({ className }) => `recall of ${className}`)
    ],
    ...heard.flatMap(({ way }, at) =>
      heads.map(({ head, heard: own }) => {
        const { macroF1, kept, recalls } = own[at]!
        return [way, head, ...[macroF1, kept, ...recalls.map(({ recall }) => recall)].map(describeFigure)]
      })
    )
  ]
}

/** The same by parts: macro-F1 of each, and their mean; undefined where no parts were left out. */
export const afarPartTable = ({ heads }: AfarEvaluation): ReadonlyArray<ReadonlyArray<string>> | undefined => {
  const [{ heard }] = heads as [AfarEvaluation["heads"][0]]
  const { parts } = heard[0]!
  if (parts.length === 0) return undefined
  return [
    ["heard", "head", ...parts.map(({ part }) => part), "mean"],
    ...heard.flatMap(({ way }, at) =>
      heads.map(({ head, heard: own }) => {
        const values = own[at]!.parts.map(({ macroF1 }) => macroF1)
        const known = values.filter((value) => value !== null)
        const mean = known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
        return [way, head, ...[...values, mean].map((value) => value?.toFixed(3) ?? "-")]
      })
    )
  ]
}

/** What these figures are of. */
export const explainAfar = ({ recordings, sources }: AfarEvaluation): string =>
  `Heard from afar: ${counted(recordings, "recording")} of ${counted(sources, "source")} left out, in another source's background at so many dB ` +
  "(of their loudest second), without what lies above so many kHz, through a forest, and 20 dB quieter. Answers kept: those " +
  "that are the same as for the recording as it is."
