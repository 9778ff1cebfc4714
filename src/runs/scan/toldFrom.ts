import type { EventSettings } from "../../classifier/events/findEvents.ts"
import { type AlarmRate, FEW_ALARMS, FEW_EVENTS } from "../../config/alarmRates.ts"
import { counted, lengthInWords } from "../../config/inWords.ts"
import { backgroundOf, ofClass } from "../../store/className.ts"
import type { EventRequest } from "./eventOptions.ts"
import type { WindowModel } from "./windowModel.ts"

/** From which probabilities events are told. */
export interface ToldFrom {
  /** The probability from which each class's events are told. */
  readonly thresholds: Readonly<Record<string, number>>
  /**
   * Those whose probability is known from the model's test in the field, those of which nothing was there to be found, and
   * those that nothing is known of nor asked for.
   */
  readonly tested: ReadonlyArray<string>
  readonly silent: ReadonlyArray<string>
  readonly untested: ReadonlyArray<string>
  /** Of those tested the ones whose probability rests on few events, or on so little sound that it had room for few false alarms. */
  readonly unsure: ReadonlyArray<{ readonly name: string; readonly events: number; readonly hours: number }>
  /** The false alarms of each class tested an hour that these allow; null where none is. */
  readonly alarmsPerHour: AlarmRate | null
}

/** From which probabilities a model's events are told as asked, and what is known of these. */
export const toldFrom = (
  model: WindowModel | undefined,
  asked: EventRequest,
  { threshold, perClass }: EventSettings
): ToldFrom => {
  if (model === undefined) {
    return { thresholds: {}, tested: [], silent: [], untested: [], unsure: [], alarmsPerHour: null }
  }
  const quiet = backgroundOf(model.classes)
  const told = model.classes.filter((name) => name !== quiet || ofClass(perClass, name) !== undefined)
  const known = model.thresholds[asked.alarms] ?? {}
  const left = told.filter((name) => asked.threshold === undefined && ofClass(asked.perClass, name) === undefined)
  const heard = left.filter((name) => ofClass(known, name) !== undefined)
  return {
    thresholds: Object.fromEntries(told.map((name) => [name, ofClass(perClass, name) ?? threshold])),
    tested: heard.filter((name) => !model.silent.includes(name)),
    unsure: heard.flatMap((name) => {
      const own = ofClass(model.test?.events ?? {}, name)
      if (model.test === undefined || own === undefined) return []
      const { hours } = model.test
      // Of a silent class it is known that there were none.
      const isFew = own < FEW_EVENTS && !model.silent.includes(name)
      return isFew || hours * asked.alarms < FEW_ALARMS ? [{ name, events: own, hours }] : []
    }),
    silent: heard.filter((name) => model.silent.includes(name)),
    untested: left.filter((name) => ofClass(known, name) === undefined),
    alarmsPerHour: heard.length > 0 ? asked.alarms : null
  }
}

/** The same in a sentence or three. */
export const toldFromInWords = ({ thresholds, tested, silent, untested, unsure, alarmsPerHour }: ToldFrom): string => {
  const named = (names: ReadonlyArray<string>) =>
    names.map((name) => `${name} ${thresholds[name]!.toFixed(3)}`).join(", ")
  const known = new Set([...tested, ...silent, ...untested])
  const asked = Object.keys(thresholds).filter((name) => !known.has(name))
  const alarms = alarmsPerHour === 1 ? "false alarm" : "false alarms"
  const groups = [
    ...(tested.length === 0
      ? []
      : [
          `${named(tested)}, where it had up to ${alarmsPerHour} ${alarms} of each an hour in the sound that it was tested in`
        ]),
    ...(silent.length === 0
      ? []
      : [`${named(silent)}, where it had no more either, but nothing of it was there to be found`]),
    ...(untested.length === 0 ? [] : [`${named(untested)}, with which it was not tested`]),
    ...(asked.length === 0 ? [] : [named(asked)])
  ]
  return [
    `Told are events from a probability of: ${groups.join("; ")}.`,
    ...(unsure.length === 0 ? [] : [`Some of these rest on little: ${restOf(unsure)}.`]),
    ...(alarmsPerHour === null ? [] : [ELSEWHERE])
  ].join(" ")
}

const restOf = (unsure: ToldFrom["unsure"]): string =>
  unsure
    .map(
      ({ name, events, hours }) => `that of ${name} on ${counted(events, "event")} in ${lengthInWords(hours)} of sound`
    )
    .join(", ")

/** A test promises nothing of sounds that it did not have. */
const ELSEWHERE =
  "A site with other sounds may have more false alarms: judge some events of each site before you rely on it."
