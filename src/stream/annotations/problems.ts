import { Schema } from "effect"

/** Rows that a problem names; of others it says how many. */
const NAMED = 10

/** Something in a table that was not used. */
export const AnnotationProblem = Schema.Struct({
  table: Schema.String,
  /** The first lines that have it, from 1; none where it is about the whole table. */
  rows: Schema.Array(Schema.Int),
  /** How many lines have it. */
  count: Schema.Int,
  /** What is wrong and what to do about it, in a sentence. */
  reason: Schema.String
})
export type AnnotationProblem = typeof AnnotationProblem.Type

/** What tables of annotations came to. */
export const AnnotationReport = Schema.Struct({
  /** Tables that were used. */
  tables: Schema.Int,
  /** Recordings that they are of. */
  recordings: Schema.Int,
  annotations: Schema.Int,
  /** Clips cut by what is annotated, by class, and those of background. */
  clips: Schema.Record(Schema.String, Schema.Int),
  background: Schema.Int,
  /** Where several classes sound at once: left out. */
  overlapping: Schema.Struct({ stretches: Schema.Int, seconds: Schema.Finite }),
  problems: Schema.Array(AnnotationProblem)
})
export type AnnotationReport = typeof AnnotationReport.Type

/** Gathers problems, those of one kind in a table as one. */
export class Problems {
  readonly #found = new Map<string, { table: string; rows: Array<number>; count: number; reason: string }>()

  add(table: string, reason: string, row?: number): void {
    const name = `${table}\n${reason}`
    const known = this.#found.get(name) ?? { table, rows: [], count: 0, reason }
    this.#found.set(name, known)
    known.count++
    if (row !== undefined && known.rows.length < NAMED) known.rows.push(row)
  }

  get all(): ReadonlyArray<AnnotationProblem> {
    return [...this.#found.values()]
  }
}

/** A problem in one sentence, with its table and rows. */
export const describeProblem = ({ table, rows, count, reason }: AnnotationProblem): string => {
  const more = count - rows.length
  const named = rows.length === 0 ? "" : `, ${rows.length === 1 ? "row" : "rows"} ${rows.join(", ")}`
  return `${table}${named}${rows.length > 0 && more > 0 ? ` and ${more} more` : ""}: ${reason}`
}
