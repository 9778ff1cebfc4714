import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { type AlarmRate, UNMEASURED_THRESHOLD } from "../../config/alarmRates.ts"
import type { WindowModel } from "./windowModel.ts"

/** Which events are asked for, of whatever model. */
export interface EventRequest {
  /** False alarms of each class an hour that are allowed, by what the model had when it was tested in the field. */
  readonly alarms: AlarmRate
  /** The least probability of a peak instead, of all classes or of single ones. */
  readonly threshold?: number | undefined
  readonly perClass: Readonly<Record<string, number>>
}

/** What of a model's peaks is told; without one, nothing is. */
export const settleEvents = (
  { alarms, threshold, perClass }: EventRequest,
  model: Pick<WindowModel, "thresholds"> | undefined
): EventSettings =>
  threshold === undefined
    ? { threshold: UNMEASURED_THRESHOLD, perClass: { ...model?.thresholds[alarms], ...perClass } }
    : { threshold, perClass }

/**
 * A request with thresholds such as `0.9`, for all classes, or `dog_bark=0.7`, for one, separated by commas; undefined where
 * it is none, or names a class, or all, twice.
 */
export const withThresholds = (request: EventRequest, text: string): EventRequest | undefined => {
  let { threshold } = request
  const perClass: Record<string, number> = { ...request.perClass }
  const given = new Set<string>()
  for (const part of text.split(",")) {
    const at = part.lastIndexOf("=")
    const [name, figure] = [part.slice(0, Math.max(0, at)).trim(), part.slice(at + 1).trim()]
    const least = Number(figure)
    if (figure === "" || !(least > 0 && least <= 1) || (at >= 0 && name === "")) return undefined
    if (given.has(name)) return undefined
    given.add(name)
    if (at < 0) threshold = least
    else perClass[name] = least
  }
  return { ...request, threshold, perClass }
}
