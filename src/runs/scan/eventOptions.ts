import type { EventSettings } from "../../classifier/events/findEvents.ts"

/** What makes events unless it is said otherwise: what is more likely one than none, among the background of the field. */
export const EVENT_DEFAULTS: EventSettings = { threshold: 0.5, perClass: {} }

/**
 * Event settings with thresholds such as `0.9`, for all classes, or `dog_bark=0.7`, for one, separated by commas; undefined
 * where it is none.
 */
export const withThresholds = (settings: EventSettings, text: string): EventSettings | undefined => {
  let { threshold } = settings
  const perClass: Record<string, number> = { ...settings.perClass }
  for (const part of text.split(",")) {
    const at = part.lastIndexOf("=")
    const [name, figure] = [part.slice(0, Math.max(0, at)).trim(), part.slice(at + 1).trim()]
    const least = Number(figure)
    if (figure === "" || !(least > 0 && least <= 1) || (at >= 0 && name === "")) return undefined
    if (at < 0) threshold = least
    else perClass[name] = least
  }
  return { threshold, perClass }
}
