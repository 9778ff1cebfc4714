import { energyOf } from "../../classifier/evaluation/field/loudest.ts"
import type { Soundscape } from "../../classifier/evaluation/field/soundscape.ts"
import type { FrontEnd } from "../../embedder/frontEnd.ts"
import type { EventSpan } from "./lasting.ts"

/** A window is an event's if it holds this share of what the event's loudest window holds of its energy. */
const LOUD = 0.25

interface Label {
  readonly className: string
  /** The event's source. */
  readonly group: string
}

/**
 * Of each window the event that it holds, null where it holds none, undefined where it holds too little of one; and of each
 * event how many windows about its loudest one are its own.
 */
export const labelWindows = (
  scene: Pick<Soundscape, "events" | "foreground">,
  count: number,
  { sampleRate, window, hop }: Pick<FrontEnd, "sampleRate" | "window" | "hop">
) => {
  const labels: Array<Label | null | undefined> = Array.from({ length: count }, () => null)
  const spans: Array<EventSpan> = []
  for (const event of scene.events) {
    const from = Math.max(0, Math.ceil((event.start * sampleRate - window) / hop))
    const to = Math.min(count - 1, Math.floor((event.end * sampleRate) / hop))
    // By itself: a long window holds more than one.
    const begin = Math.round(event.start * sampleRate)
    const sound = scene.foreground(begin, Math.round(event.end * sampleRate) - begin)
    const energies = Array.from({ length: to - from + 1 }, (_, at) => {
      const start = (from + at) * hop - begin
      return energyOf(sound.subarray(Math.max(0, start), Math.max(0, start + window)))
    })
    const loudest = Math.max(...energies)
    const isOwn = (at: number) => (energies[at] ?? 0) >= LOUD * loudest
    for (const [at, energy] of energies.entries()) {
      if (energy === 0) continue
      const other = labels[from + at]
      if (isOwn(at)) {
        const isOthers = other?.className !== undefined && other.className !== event.class
        labels[from + at] = isOthers ? undefined : { className: event.class, group: event.source }
      } else if (other === null) labels[from + at] = undefined
    }
    const peak = energies.indexOf(loudest)
    let [first, last] = [peak, peak]
    while (isOwn(first - 1)) first--
    while (isOwn(last + 1)) last++
    spans.push({ className: event.class, source: event.source, windows: last - first + 1 })
  }
  return { labels, spans }
}
