import { Option, Schema } from "effect"
import { Flag } from "effect/cli"
import { WAYS, type Way, wayOf } from "../../src/classifier/evaluation/afar/ways.ts"
import { compile } from "../../src/config/forms.ts"
import { FIELD } from "../../src/runs/field/fieldDefaults.ts"
import { wholeNumber } from "./flags.ts"

// What evaluate takes: how recordings are left out, and how the field is imitated.

const LENGTH = /^(?:([^=]+)=)?(\d+(?:\.\d+)?)$/
/** Seconds of an event: less holds no sound, more is longer than a recording is heard for. */
const LEAST_SECONDS = 0.01
const MOST_SECONDS = 600
const RATIOS = /^(-?\d+(?:\.\d+)?)(?:,|\.\.)(-?\d+(?:\.\d+)?)$/

/** A text that compiles. */
const Pattern = Schema.String.check(
  Schema.makeFilter((text) => Option.isSome(compile(text)) || "a regular expression, such as site-\\d+")
)

export const partFlags = {
  by: Flag.String("by").pipe(
    Flag.withSchema(Pattern),
    Flag.withDescription(
      "Leaves out what this pattern finds in the recordings' keys, one after another, instead of folds: a site, a recorder; " +
        "its first group, else all that it matches"
    ),
    Flag.optional
  ),
  test: Flag.String("test").pipe(
    Flag.withDescription("A second store, or folder, to test on: all of the first one trains"),
    Flag.optional
  )
}

export const fieldFlags = {
  field: Flag.Boolean("field").pipe(
    Flag.withDescription(
      "Also says what is heard in annotated field recordings of the sources left out, or else in soundscapes of them, at how many " +
        "false alarms an hour"
    ),
    Flag.withDefault(false)
  ),
  fieldMinutes: Flag.Int("field-minutes").pipe(
    Flag.withSchema(wholeNumber(1, 10_000)),
    Flag.withDescription(`Minutes of recordings or soundscape for each fold or part (default: ${FIELD.minutes})`),
    Flag.withDefault(FIELD.minutes)
  ),
  perHour: Flag.Int("events-per-hour").pipe(
    Flag.withSchema(wholeNumber(1, 2000)),
    Flag.withDescription(`Events in an hour of soundscape, of all classes together (default: ${FIELD.perHour})`),
    Flag.withDefault(FIELD.perHour)
  ),
  snr: Flag.String("snr").pipe(
    Flag.withSchema(
      Schema.String.check(
        Schema.makeFilter(
          (text) => ratiosOf(text) !== undefined || `decibels from and to, -${MOST_DB} to ${MOST_DB}, such as -3,15`
        )
      )
    ),
    Flag.withDescription(`Their signal-to-noise ratios in dB, from and to (default: --snr=${FIELD.snr.join(",")})`),
    Flag.withDefault(FIELD.snr.join(","))
  ),
  eventSeconds: Flag.String("event-seconds").pipe(
    Flag.withSchema(
      Schema.String.check(
        Schema.makeFilter(
          (text) =>
            lengthsOf(text) !== undefined ||
            `seconds from ${LEAST_SECONDS} to ${MOST_SECONDS}, of each class once, such as 2 or 2,gun_shot=1.5`
        )
      )
    ),
    Flag.withDescription(
      `Seconds of an event at most, its loudest, of any class or of one: 2,gun_shot=1.5 (default: ${FIELD.eventSeconds})`
    ),
    Flag.withDefault(String(FIELD.eventSeconds))
  ),
  keep: Flag.String("keep").pipe(
    Flag.withDescription(
      "A folder to write soundscapes into, with a Raven table of what is in each; they are heard, and not annotated recordings"
    ),
    Flag.optional
  )
}

/** Every way of hearing that there is a name for. */
const ALL = "all"

export const afarFlags = {
  afar: Flag.String("afar").pipe(
    Flag.withSchema(
      Schema.String.check(
        Schema.makeFilter(
          (text) => waysOf(text) !== undefined || `${ALL}, or ways to hear, such as --afar=0dB,2kHz,forest`
        )
      )
    ),
    Flag.withDescription(
      "Also hears what is left out as if from afar: mixed into its own background at so many dB, without what lies above so " +
        `many kHz, through a forest, 20 dB quieter (--afar=${WAYS.join(",")}, or ${ALL} for all of these). Takes about as ` +
        "long for each as embedding the recordings"
    ),
    Flag.optional
  )
}

export const unknownFlags = {
  unknown: Flag.Boolean("unknown").pipe(
    Flag.withDescription(
      "Also says how much background of sources left out is taken for a class, and how much of that is answered unknown, " +
        "as /predict?unknown=true does"
    ),
    Flag.withDefault(false)
  ),
  kinds: Flag.String("kinds").pipe(
    Flag.withSchema(Pattern),
    Flag.withDescription(
      "The same for kinds of background that were never heard: what this pattern finds in its keys is left out of " +
        "training, one kind after another; its first group, else all that it matches. As many trainings as kinds and folds"
    ),
    Flag.optional
  )
}

/** `0dB,2kHz,forest` as ways of hearing, none of them twice; undefined where one of them is none. */
export const waysOf = (text: string): ReadonlyArray<Way> | undefined => {
  const names = text === ALL ? WAYS : new Set(text.split(",").map((name) => name.trim()))
  const ways = [...names].map(wayOf)
  return ways.includes(undefined) ? undefined : ways.flatMap((way) => way ?? [])
}

/** Louder or quieter than this by so many dB, one of two sounds is as good as none. */
const MOST_DB = 100

/** `-3,15` as two numbers, the lower one first; undefined where it is none. */
export const ratiosOf = (text: string): readonly [number, number] | undefined => {
  const found = RATIOS.exec(text)
  if (found === null) return undefined
  const [least, most] = [Number(found[1]), Number(found[2])].sort((a, b) => a - b) as [number, number]
  return least >= -MOST_DB && most <= MOST_DB ? [least, most] : undefined
}

/** `2,gun_shot=1.5` as seconds by class, and the classes that it names; undefined where it is none. */
export const lengthsOf = (text: string) => {
  const own = new Map<string | undefined, number>()
  for (const part of text.split(",")) {
    const [, name, figure] = LENGTH.exec(part) ?? []
    const seconds = Number(figure)
    if (!(seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS) || own.has(name)) return undefined
    own.set(name, seconds)
  }
  const any = own.get(undefined) ?? FIELD.eventSeconds
  const named = [...own.keys()].flatMap((name) => name ?? [])
  return { named, eventSeconds: (className: string) => own.get(className) ?? any }
}
