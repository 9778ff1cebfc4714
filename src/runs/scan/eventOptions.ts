import type { EventSettings, Thresholds } from "../../classifier/events/findEvents.ts"

/** An event goes on while its class has this share of the probability that starts one. */
const STAY_SHARE = 0.5

/** The thresholds that come with the one that starts an event. */
export const thresholdsFrom = (start: number): Thresholds => ({ start, stay: start * STAY_SHARE })

/** What makes events unless it is said otherwise. */
export const EVENT_DEFAULTS: EventSettings = {
  smoothing: 1,
  thresholds: thresholdsFrom(0.8),
  perClass: {},
  mergeGap: 0.5
}

/**
 * Event settings with thresholds such as `0.9`, for all classes, or `dog_bark=0.7`, for one, separated by commas; undefined
 * where it is none.
 */
export const withThresholds = (settings: EventSettings, text: string): EventSettings | undefined => {
  let { thresholds } = settings
  const perClass: Record<string, Thresholds> = { ...settings.perClass }
  for (const part of text.split(",")) {
    const at = part.lastIndexOf("=")
    const [name, figure] = [part.slice(0, Math.max(0, at)).trim(), part.slice(at + 1).trim()]
    const start = Number(figure)
    if (figure === "" || !(start > 0 && start <= 1) || (at >= 0 && name === "")) return undefined
    if (at < 0) thresholds = thresholdsFrom(start)
    else perClass[name] = thresholdsFrom(start)
  }
  return { ...settings, thresholds, perClass }
}
