import { describeFigure } from "../figureTables.ts"
import type { AlarmFigures, UnknownEvaluation } from "./unknownFigures.ts"

/** Classes by heads: how many recordings that were recognised are still answered. */
export const keptTable = ({ heads }: UnknownEvaluation): ReadonlyArray<ReadonlyArray<string>> => [
  ["class", "head", "recognised", "not unknown"],
  ...heads[0]!.known.flatMap(({ className }, label) =>
    heads.map(({ head, known }) => [
      className,
      head,
      String(known[label]!.recognised),
      describeFigure(known[label]!.kept)
    ])
  )
]

/** Background by heads: how much of it is taken for a class. */
export const alarmTable = ({ background, heads }: UnknownEvaluation): ReadonlyArray<ReadonlyArray<string>> => {
  const row = (what: string, head: string, { recordings, sources, taken, alarms, as }: AlarmFigures) => [
    what,
    head,
    String(recordings),
    String(sources),
    describeFigure(taken),
    describeFigure(alarms),
    Object.entries(as)
      .sort(([, one], [, other]) => other - one)
      .map(([className, count]) => `${className} ${count}`)
      .join(", ")
  ]
  return [
    ["sound of no class", "head", "recordings", "sources", "taken for a class", "and not unknown", "as"],
    ...heads.map(({ head, heard }) => row(`${background}, kinds that were trained on`, head, heard)),
    ...heads[0]!.unheard.flatMap(({ kind }, at) =>
      heads.map(({ head, unheard }) => row(`${kind}, never heard`, head, unheard[at]!))
    ),
    ...heads.flatMap(({ head, allUnheard }) => (allUnheard ? [row("all of these", head, allUnheard)] : []))
  ]
}

/** What these figures are of. */
export const explainUnknown = ({ heads }: UnknownEvaluation): string =>
  `"Unknown" is answered below a class's threshold, which was chosen out of fold without what is tested.` +
  (heads[0]!.allUnheard === undefined
    ? ""
    : " A kind that was never heard was left out of training, one kind after another, in each fold or part.")
