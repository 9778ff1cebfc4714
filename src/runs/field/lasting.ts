import type { Lasting } from "../../classifier/events/confirmed.ts"
import type { WindowTimes } from "../../classifier/events/event.ts"

/** An event, and how many windows are its own, one after the other. */
export interface EventSpan {
  readonly className: string
  readonly source: string
  readonly windows: number
}

/** The share of a class's events that are shorter than it lasts, at most. */
const SHORTER = 0.05
/** Fewer sources do not tell how short an event may be. */
const LEAST_SOURCES = 9

/**
 * How long the events of each class last, nineteen of twenty of them: of classes with enough sources to tell, and whose events are
 * longer than the two windows that anything is in.
 */
export const lastingOf = (spans: ReadonlyArray<EventSpan>, { window, hop }: WindowTimes): Lasting =>
  Object.fromEntries(
    [...Map.groupBy(spans, ({ className }) => className)].flatMap(([className, own]) => {
      if (new Set(own.map(({ source }) => source)).size < LEAST_SOURCES) return []
      const lengths = own.map(({ windows }) => windows).sort((a, b) => a - b)
      const windows = lengths[Math.floor(SHORTER * lengths.length)]!
      return windows <= 2 ? [] : [[className, Number((window + (windows - 1) * hop).toFixed(6))]]
    })
  )
