import { Effect } from "effect"
import type { Annotation, Annotations, HeardPart } from "../stream/annotations/annotation.ts"
import { classesOf } from "../stream/annotations/classes.ts"
import { pairingOf } from "../stream/annotations/pairing.ts"
import { AnnotationError, changeAnnotations } from "./annotate.ts"

/** Where an event lies. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** What a model heard, as far as a person judges it; its class is empty where the model heard nothing there. */
export interface JudgedEvent extends Span {
  readonly class: string
}

/** What one table says of a recording. */
export interface TableSaid {
  readonly table: string
  readonly said: Annotations
}

/** Who an annotation is by that was made by judging an event. */
const JUDGE = "dashboard"

/** Seconds by which times may differ that were written to the millisecond. */
const CLOSE = 0.002

const isSame = (a: Span, b: Span): boolean => Math.abs(a.start - b.start) < CLOSE && Math.abs(a.end - b.end) < CLOSE

/**
 * Writes down what a person says of an event: a class, or that nothing is there (the empty text), as an annotation of just
 * its span; null takes that back. What was said of the event before is replaced, also of a slightly different span, as
 * another model heard it. Returns what is said of it then.
 *
 * Fails, and changes nothing, where more than the event is annotated as something else, or by one of `tables`, which are
 * all that say something of the recording, that is not the recording's own.
 */
export const judge = (
  { recording, ...event }: JudgedEvent & { readonly recording: string },
  label: string | null,
  tables: ReadonlyArray<TableSaid> = []
) => {
  const { ofTable } = pairingOf([recording])
  const elsewhere = tables.filter(({ table }) => ofTable(table).length === 0)
  const judgedBy = (said: Annotations) => judgementOf(event, merged([said, ...elsewhere.map((one) => one.said)]))
  return changeAnnotations(
    recording,
    Effect.fnUntraced(function* (before) {
      const after = answered(before, event, label)
      const judged = judgedBy(after)
      const isDone =
        label === null ? judged === undefined || sizeOf(after) < sizeOf(before) : judged === meant(event, label)
      if (isDone) return after
      return yield* new AnnotationError({ reason: "contradicted", message: contradiction(event, after, elsewhere) })
    })
  ).pipe(Effect.map(judgedBy))
}

/** What an event is judged as of which nothing but this is said. */
const meant = (event: JudgedEvent, label: string): string | undefined =>
  label === "" ? "" : judgementOf(event, { annotations: [{ start: event.start, end: event.end, label }], complete: [] })

const answered = ({ annotations, complete }: Annotations, event: JudgedEvent, label: string | null): Annotations => {
  const span = { start: event.start, end: event.end }
  const named = classesOf([event.class], true)
  // By hand, somebody may have drawn more exactly what is confirmed.
  const isKept = (one: Annotation) => label === event.class && isOwn(event, one) && one.annotator !== JUDGE
  const isAnswer = (one: Annotation) => one.annotator === JUDGE && isOwn(event, one)
  const isOld = (one: Annotation) =>
    isSame(one, span) ||
    isAnswer(one) ||
    (liesIn(one, event) && (covers(one, event) || named(one.label) === event.class))
  const rows = annotations.filter((one) => !isOld(one) || (isKept(one) && !isSame(one, span)))
  const parts = complete.filter(
    (part) => part === undefined || !(isSame(part, span) || (liesIn(part, event) && covers(part, event)))
  )
  if (label === null) return { annotations: rows, complete: parts }
  return label === ""
    ? { annotations: rows, complete: [...parts, span] }
    : { annotations: [...rows, { ...span, label, annotator: JUDGE }], complete: parts }
}

const sizeOf = ({ annotations, complete }: Annotations): number => annotations.length + complete.length

/** What several tables say of a recording. */
export const merged = (all: ReadonlyArray<Annotations>): Annotations => ({
  annotations: all.flatMap(({ annotations }) => annotations),
  complete: all.flatMap(({ complete }) => complete)
})

/** Why an event cannot be judged: what says something else of it, and of more than it. */
const contradiction = (event: JudgedEvent, after: Annotations, elsewhere: ReadonlyArray<TableSaid>): string => {
  const judged = judgementOf(event, merged([after, ...elsewhere.map(({ said }) => said)]))
  const says = (annotations: ReadonlyArray<Annotation>, complete: ReadonlyArray<HeardPart>) =>
    judgementOf(event, { annotations, complete }) === judged
  const row = after.annotations.find((one) => says([one], []))
  if (row !== undefined) {
    return `From ${row.start} to ${row.end} s, which is more than this event, ${row.label} is annotated: change that under Annotations.`
  }
  const other = elsewhere.find(({ said }) => says(said.annotations, said.complete))
  if (other !== undefined) {
    return `${other.table}, which is not this recording's own table, says ${judged === "" ? "that nothing is there" : judged}: change it there.`
  }
  return "More than this event has been listened to, and nothing is annotated here: change that under Annotations."
}

/**
 * What a person says that an event is: its own class where an annotation of that covers half of it, or lies to a half in
 * it; else the label that covers at least half of it, of several the one that is not of more besides; the empty text where
 * that has been listened to and nothing is there; undefined where nobody has said anything.
 */
export const judgementOf = (event: JudgedEvent, { annotations, complete }: Annotations): string | undefined => {
  const classes = classesOf([event.class], true)
  if (annotations.some((one) => isOwn(event, one))) return event.class
  const [longest] = annotations
    .filter((one) => covers(one, event))
    .sort((a, b) => common(event, b) - common(event, a) || lengthOf(a) - lengthOf(b))
  if (longest !== undefined) return classes(longest.label) ?? longest.label
  return complete.some((part: HeardPart) => part === undefined || covers(part, event)) ? "" : undefined
}

const common = (a: Span, b: Span): number => Math.min(a.end, b.end) - Math.max(a.start, b.start)

const lengthOf = ({ start, end }: Span): number => end - start

/** Whether an annotation says of an event that it is of its own class. */
const isOwn = (event: JudgedEvent, one: Annotation): boolean =>
  common(event, one) >= Math.min(lengthOf(event), lengthOf(one)) / 2 &&
  classesOf([event.class], true)(one.label) === event.class

/** Whether at least half of it lies in an event. */
const liesIn = (span: Span, event: Span): boolean => common(event, span) >= lengthOf(span) / 2

/** Whether it covers at least half of an event. */
const covers = (span: Span, event: Span): boolean => common(span, event) >= lengthOf(event) / 2
