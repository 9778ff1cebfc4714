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
 * Over how many seconds the windows reach that nineteen of twenty events of a class fill: of classes with enough sources to tell,
 * and whose events fill more than the windows that anything is in.
 */
export const lastingOf = (spans: ReadonlyArray<EventSpan>, { window, hop }: WindowTimes): Lasting => {
  // Whatever sounds is in so many.
  const least = Math.max(2, Math.round(window / hop))
  return Object.fromEntries(
    [...Map.groupBy(spans, ({ className }) => className)].flatMap(([className, own]) => {
      if (new Set(own.map(({ source }) => source)).size < LEAST_SOURCES) return []
      const lengths = own.map(({ windows }) => windows).sort((a, b) => a - b)
      const windows = lengths[Math.floor(SHORTER * lengths.length)]!
      return windows <= least ? [] : [[className, Number((window + (windows - 1) * hop).toFixed(6))]]
    })
  )
}
