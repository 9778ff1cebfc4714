import { Effect } from "effect"
import type { Annotation } from "../stream/annotations/annotation.ts"
import { classesOf } from "../stream/annotations/classes.ts"
import { type Annotations, changeAnnotations, type HeardPart } from "./annotate.ts"

/** Where an event lies. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Who an annotation is by that was made by judging an event. */
const JUDGE = "dashboard"

/** Seconds by which times may differ that were written to the millisecond. */
const CLOSE = 0.002

const isSame = (a: Span, b: Span): boolean => Math.abs(a.start - b.start) < CLOSE && Math.abs(a.end - b.end) < CLOSE

/**
 * Writes down what a person says of an event: a class, or that nothing is there (the empty text), as an annotation of just
 * its span; null takes that back. What was said of the same span before is replaced.
 */
export const judge = ({ recording, start, end }: Span & { readonly recording: string }, label: string | null) => {
  const span = { start, end }
  return changeAnnotations(recording, ({ annotations, complete }) => {
    const others = annotations.filter((one) => !isSame(one, span))
    const parts = complete.filter((part) => part === undefined || !isSame(part, span))
    if (label === null) return Effect.succeed({ annotations: others, complete: parts })
    return Effect.succeed(
      label === ""
        ? { annotations: others, complete: [...parts, span] }
        : { annotations: [...others, { ...span, label, annotator: JUDGE }], complete: parts }
    )
  })
}

/**
 * What a person says that an event is: its own class where an annotation of that covers half of it, or lies to a half in
 * it; else the label that covers at least half of it; the empty text where that has been listened to and nothing is
 * there; undefined where nobody has said anything.
 */
export const judgementOf = (
  event: Span & { readonly class: string },
  { annotations, complete }: Annotations
): string | undefined => {
  const classes = classesOf([event.class], true)
  const isOwn = (one: Annotation) => common(event, one) >= shorter(event, one) / 2 && classes(one.label) === event.class
  if (annotations.some(isOwn)) return event.class
  const longest = annotations.reduce<Annotation | undefined>(
    (best, one) => (best === undefined || common(event, one) > common(event, best) ? one : best),
    undefined
  )
  if (longest !== undefined && covers(longest, event)) return classes(longest.label) ?? longest.label
  return complete.some((part: HeardPart) => part === undefined || covers(part, event)) ? "" : undefined
}

const common = (a: Span, b: Span): number => Math.min(a.end, b.end) - Math.max(a.start, b.start)

const shorter = (a: Span, b: Span): number => Math.min(a.end - a.start, b.end - b.start)

/** Whether it covers at least half of an event. */
const covers = (span: Span, event: Span): boolean => common(span, event) >= (event.end - event.start) / 2
