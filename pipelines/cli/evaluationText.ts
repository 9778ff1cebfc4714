import { afarPartTable, afarTable, explainAfar } from "../../src/classifier/evaluation/afar/afarTables.ts"
import type { Evaluation } from "../../src/classifier/evaluation/evaluation.ts"
import {
  bandTable,
  describeFieldDifferences,
  explainField,
  fieldHeadsTable
} from "../../src/classifier/evaluation/field/fieldTables.ts"
import { classTable, explain, headTable, partTable } from "../../src/classifier/evaluation/figureTables.ts"
import { alarmTable, explainUnknown, keptTable } from "../../src/classifier/evaluation/unknown/unknownTables.ts"
import { table } from "./summaryText.ts"

/** An evaluation for people: its tables, each with what it is of, then what its figures are worth. */
export const evaluationText = (evaluation: Evaluation): string => {
  const { parts, field, afar, unknown, notes } = evaluation
  const byPart = afar && afarPartTable(afar)
  const bands = field && bandTable(field)
  return [
    [table(headTable(evaluation)), table(classTable(evaluation)), explain(evaluation)],
    parts ? [table(partTable(parts))] : [],
    field ? [table(fieldHeadsTable(field)), ...(bands ? [table(bands)] : []), fieldLines(field)] : [],
    afar ? [table(afarTable(afar)), ...(byPart ? [table(byPart)] : []), explainAfar(afar)] : [],
    unknown ? [table(keptTable(unknown)), table(alarmTable(unknown)), explainUnknown(unknown)] : []
  ]
    .flat()
    .map((paragraph) => `\n${paragraph}`)
    .concat(notes)
    .join("\n")
}

const fieldLines = (field: NonNullable<Evaluation["field"]>): string =>
  [explainField(field), ...describeFieldDifferences(field)].join("\n")
